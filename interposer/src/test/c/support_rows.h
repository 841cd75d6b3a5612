/* The rows of functions.def, and running a case for one of them by every route that leads to it. */
#ifndef ALIQUOT_SUPPORT_ROWS_H
#define ALIQUOT_SUPPORT_ROWS_H

#include "support_routes.h"

struct row {
    const char *name, *class; /* class NULL: the row passes */
};

size_t row_count(void);
const struct row *row_at(size_t at);
/* NULL where the table has no such row. */
const struct row *row_of(const char *name);
/* Whether a row needs a case: everything that takes, moves or gives memory. */
bool counts(const struct row *row);

/* By symbol, and by cuGetProcAddress with each value of flags that has an answer; the argument of each case is a struct route. */
void run_subject(struct world *world, const struct subject *subject, case_body *body, const char *what);

#endif
