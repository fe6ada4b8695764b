// Coefficients of erf(x / sqrt 2) / x in powers of x^2, printed by benchmarks/speed/fit_gelu.py.
#pragma once

constexpr float kGeluEdge = 4.5f;
constexpr int kGeluTerms = 12;
constexpr float kGelu[kGeluTerms] = {
    7.978828371e-01f,  -1.329715763e-01f, 1.993251073e-02f, -2.363774574e-03f, 2.262638448e-04f,  -1.766003404e-05f,
    1.111228308e-06f,  -5.460757132e-08f, 1.993856354e-09f, -5.028364705e-11f, 7.744845196e-13f,  -5.453600611e-15f};
