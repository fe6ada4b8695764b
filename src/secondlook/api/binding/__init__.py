"""The bindings of Workers in Python: the same names, results and errors, over HTTP or over an application in reach."""
