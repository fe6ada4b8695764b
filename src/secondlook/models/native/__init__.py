"""The packed int8 encoder in C++, built with the package where a compiler is at hand."""
