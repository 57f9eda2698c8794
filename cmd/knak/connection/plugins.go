package connection

import (
	"github.com/knakppp/knak/cmd/knak/build"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/host/pin"
)

// PluginPlan is what the second program has to know of the plugins that the configuration names.
func PluginPlan(list []settings.Plugin, dir string) (host.Plan, error) {
	plan := host.Plan{Dirs: pin.Dirs(dir), Runtime: control.Dir(), Version: build.Version().Version}
	for _, p := range list {
		plan.Plugins = append(plan.Plugins, p.Plugin)
	}
	var err error
	plan.Lock, err = pin.LockPath()
	return plan, err
}
