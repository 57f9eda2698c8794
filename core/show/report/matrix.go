package report

import (
	"fmt"
	"slices"
)

// mostColumns is the greatest number of settings in a matrix: each has one letter or digit.
const mostColumns = 60

const columnNames = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567"

// experiments draws which settings each attempt had and how far it came.
func (b *builder) experiments(list []Experiment) {
	if len(list) == 0 {
		return
	}
	var columns []string
	for _, e := range list {
		for _, s := range e.Settings {
			if !slices.Contains(columns, s) && len(columns) < mostColumns {
				columns = append(columns, s)
			}
		}
	}
	b.raw(`<section class="experiments">`)
	b.element("h3", "", "Experiments")
	b.element("p", "soft", "Which settings each attempt had, and how far it came")
	b.raw("<ul>")
	for i, c := range columns {
		b.raw("<li>")
		b.element("b", "", columnNames[i:i+1])
		b.text(" ")
		b.element("code", "", c)
		b.raw("</li>")
	}
	b.raw(`</ul><table class="experiments"><thead><tr>`)
	b.element("th", "", "call")
	for i := range columns {
		b.element("th", "", columnNames[i:i+1])
	}
	b.element("th", "", "came to")
	b.raw("</tr></thead><tbody>")
	for _, e := range list {
		b.raw("<tr>")
		b.element("td", "", fmt.Sprint(e.Call))
		for _, c := range columns {
			mark := ""
			if slices.Contains(e.Settings, c) {
				mark = "●"
			}
			b.element("td", "", mark)
		}
		class := ""
		if e.Up {
			class = "good"
		}
		b.element("td", class, e.Came)
		b.raw("</tr>")
	}
	b.raw("</tbody></table></section>")
}
