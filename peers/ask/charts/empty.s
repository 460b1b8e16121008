// Lets main.go name functions of other packages that they do not export.
