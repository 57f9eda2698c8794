// Package serve is the program knak-pluginhost: it starts plugins, asks them within their budgets, and ends them. It is
// linked into that program only; package host is how knak reaches it.
package serve
