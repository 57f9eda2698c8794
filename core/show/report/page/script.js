"use strict";
// The page is whole without this script; it fits the ladder to the width, filters, sorts, and shows one row in detail.
// root holds what report draws; what an earlier call drew is left alone from then on.
function knakReport(root, calls) {
  const all = (selector) => root.querySelectorAll(selector);
  const one = (selector) => root.querySelector(selector);
  const detail = one("#detail");
  const search = one("#search");
  const boxes = [...all(".bar input[data-group]")];
  const only = one("#only");
  const ladders = calls.map((_, c) => one(`svg[data-call="${c}"]`));
  const tables = calls.map((_, c) => one(`table[data-call="${c}"]`));
  const counts = calls.map((_, c) => one(`[data-count="${c}"]`));
  const HEIGHT = 24;

  const text = (tag, value, name) => {
    const e = document.createElement(tag);
    e.textContent = value;
    if (name) e.className = name;
    return e;
  };

  function wanted(row) {
    if (!boxes.some((b) => b.dataset.group === row.box && b.checked)) return false;
    if (only.checked && !(row.refusal || row.again || row.wrong || row.pins)) return false;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const whole = (row.text + " " + row.group + " " + (row.pos || "")).toLowerCase();
    return words.every((w) => whole.includes(w));
  }

  // layout puts the rows that are wanted below each other and fits arrows and labels to the width.
  function layout(svg, rows) {
    const width = Math.max(svg.clientWidth || 720, 260);
    const narrow = width < 560;
    const left = narrow ? 14 : 92, right = width - 14;
    const room = Math.max(Math.floor((right - left - 24) / 7.3), 8);
    let y = 34;
    for (const g of svg.querySelectorAll(".row")) {
      const row = rows[+g.dataset.i];
      const show = wanted(row);
      g.style.display = show ? "" : "none";
      if (!show) continue;
      g.setAttribute("transform", `translate(0,${y})`);
      y += HEIGHT;
      g.querySelector(".hit").setAttribute("width", width);
      const time = g.querySelector(".t");
      if (time) time.style.display = narrow ? "none" : "";
      const label = g.querySelector(".l,.across");
      if (label) {
        const whole = row.label;
        const fits = room - (row.pins ? 5 * row.pins.length : 0);
        label.textContent = whole.length > fits ? whole.slice(0, fits - 1) + "\u2026" : whole;
        label.setAttribute("x", (left + right) / 2);
      }
      const line = g.querySelector("line");
      if (line) {
        line.setAttribute("x1", left);
        line.setAttribute("x2", right);
        g.querySelector("path").setAttribute("d", row.sent ? `M${right} 19l-9 -4v8z` : `M${left} 19l9 -4v8z`);
      }
      const pin = g.querySelector(".pin");
      if (pin) pin.setAttribute("x", right - 4);
    }
    const lives = svg.querySelectorAll(".life");
    [left, right].forEach((x, i) => {
      lives[i].setAttribute("x1", x);
      lives[i].setAttribute("x2", x);
      lives[i].setAttribute("y2", y);
    });
    svg.querySelector(".modem").setAttribute("x", right);
    svg.querySelector(".host").setAttribute("x", left);
    svg.setAttribute("viewBox", `0 0 ${width} ${y + 8}`);
    svg.setAttribute("height", y + 8);
  }

  function filter() {
    calls.forEach((rows, c) => {
      layout(ladders[c], rows);
      if (!stops[c] || stops[c].style.display === "none") stopAt(c, [...ladders[c].querySelectorAll(".row")].find((g) => g.style.display !== "none"));
      let n = 0;
      for (const tr of tables[c].tBodies[0].rows) {
        tr.hidden = !wanted(rows[+tr.dataset.i]);
        if (!tr.hidden) n++;
      }
      counts[c].textContent = `${n} of ${rows.length} rows`;
    });
  }

  let shown;
  const hide = () => {
    if (detail.hidden) return;
    detail.hidden = true;
    ladders[shown[0]].querySelector(`.row[data-i="${shown[1]}"]`).focus({ preventScroll: true });
  };

  function show(c, i) {
    shown = [c, i];
    const row = calls[c][i];
    for (const e of all(".row.on,tr.on")) e.classList.remove("on");
    for (const e of all(`svg[data-call="${c}"] .row[data-i="${i}"],table[data-call="${c}"] tr[data-i="${i}"]`)) e.classList.add("on");
    const head = [row.time, row.pos, row.dir, row.group].filter(Boolean).join(" \u00b7 ");
    const parts = [text("p", head, "soft"), text("pre", row.text)];
    if (row.again) parts.push(text("p", `The same went this way ${row.again} time${row.again > 1 ? "s" : ""} before.`));
    for (const w of row.wrong || []) parts.push(text("p", "Wrong: " + w));
    for (const n of row.pins || []) {
      const f = one(`#finding-${c}-${n}`);
      if (f) parts.push(text("p", "Finding: " + f.querySelector("h3").textContent));
    }
    if (row.hex) parts.push(text("pre", row.hex.replace(/(..)(?=.)/g, "$1 ")));
    const close = text("button", "Close");
    close.onclick = () => { hide(); };
    detail.replaceChildren(...parts, close);
    detail.hidden = false;
  }

  // A ladder is one stop of the Tab key, however long it is: the arrow keys go from row to row.
  const stops = [];
  function stopAt(c, g) {
    if (stops[c]) stops[c].setAttribute("tabindex", "-1");
    stops[c] = g;
    if (g) g.setAttribute("tabindex", "0");
  }
  ladders.forEach((svg, c) => {
    const rows = [...svg.querySelectorAll(".row")];
    const to = (g) => {
      if (!g) return;
      stopAt(c, g);
      g.focus();
      g.scrollIntoView({ block: "nearest" });
    };
    rows.forEach((g, i) => {
      g.setAttribute("role", "button");
      g.setAttribute("tabindex", "-1");
      g.onclick = () => { to(g); show(c, i); };
      g.onkeydown = (e) => {
        const seen = () => rows.filter((r) => r.style.display !== "none");
        const near = (by) => seen()[Math.max(seen().indexOf(g) + by, 0)];
        const keys = {
          Enter: () => show(c, i), " ": () => show(c, i), ArrowDown: () => to(near(1)), ArrowUp: () => to(near(-1)),
          PageDown: () => to(near(20) || seen().at(-1)), PageUp: () => to(near(-20)), Home: () => to(seen()[0]), End: () => to(seen().at(-1)),
        };
        if (keys[e.key]) {
          e.preventDefault();
          keys[e.key]();
        }
      };
    });
  });
  for (const tr of all("table[data-call] tbody tr")) {
    tr.onclick = () => show(+tr.closest("table").dataset.call, +tr.dataset.i);
  }
  for (const a of all("[data-goto]")) {
    a.onclick = () => {
      const [c, i] = a.dataset.goto.split(":");
      show(+c, +i);
      const g = one(`svg[data-call="${c}"] .row[data-i="${i}"]`);
      if (g) g.scrollIntoView({ block: "center" });
    };
  }
  for (const b of all("table[data-call] th button")) {
    b.onclick = () => {
      const th = b.closest("th"), table = b.closest("table"), body = table.tBodies[0];
      const column = [...th.parentNode.children].indexOf(th);
      const up = th.getAttribute("aria-sort") !== "ascending";
      for (const other of th.parentNode.children) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      const number = th.dataset.kind === "number";
      const key = (tr) => (column === 0 ? +tr.dataset.i : number ? parseFloat(tr.cells[column].textContent) || 0 : tr.cells[column].textContent);
      const rows = [...body.rows].map((tr) => [key(tr), tr]);
      rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1));
      body.append(...rows.map(([, tr]) => tr));
    };
  }
  document.onkeydown = (e) => { if (e.key === "Escape") hide(); };
  search.oninput = filter;
  only.onchange = filter;
  for (const b of boxes) b.onchange = filter;
  let pending = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(filter);
  }).observe(one(".columns"));
  filter();
}
