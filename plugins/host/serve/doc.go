// Package serve is the program knak-pluginhost: it starts plugins, asks them within their budgets, and ends them. Only that
// program contains it; knak reaches it through package host.
package serve
