// Coefficients of erf(x / sqrt 2) / x in powers of x^2, printed by benchmarks/speed/fit_functions.py.
#pragma once

constexpr float kGeluEdge = 4.25f;
constexpr int kGeluTerms = 9;
constexpr float kGelu[kGeluTerms] = {
    7.977918097e-01f, -1.326546616e-01f, 1.960526776e-02f, -2.207819410e-03f, 1.851177441e-04f,
    -1.107257566e-05f, 4.403242251e-07f, -1.031472640e-08f, 1.068540088e-10f};
