/* What the parts of bench.c share. */
#ifndef ALIQUOT_BENCH_H
#define ALIQUOT_BENCH_H

/* The value below which that part of the values lies; sorts them. */
double quantile(double *values, int count, double part);

/* The member "gate" of the JSON. */
void bench_gate(void);

#endif
