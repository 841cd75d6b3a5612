/* What has to hold for one row of the table by one route; the argument of each case is a struct route. */
#ifndef ALIQUOT_SUPPORT_CHARGING_H
#define ALIQUOT_SUPPORT_CHARGING_H

#include "support_routes.h"

/* The limit of the world these cases run in. */
#define LIMIT_BYTES (256 * MIB)
/* What a case takes that is not about the limit. */
#define SOME_BYTES (8 * MIB)

case_body exact_within_and_beyond_the_limit;
case_body withdrawn_when_the_driver_fails;
case_body context_is_overhead;
case_body code_is_overhead;
case_body host_memory_is_free;
case_body zeros_answer_as_without_us;

#endif
