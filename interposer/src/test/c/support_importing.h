/* What has to hold for one row that shares memory, by one route; the argument of each case is a struct route. */
#ifndef ALIQUOT_SUPPORT_IMPORTING_H
#define ALIQUOT_SUPPORT_IMPORTING_H

#include "support_routes.h"

/* The limit of the world these cases run in. */
#define IMPORT_LIMIT_BYTES (256 * MIB)
/* What one process hands to another: whole pieces of every driver's pool. */
#define SHARED_BYTES (64 * MIB)

case_body within_the_tenant_it_is_charged_once;
case_body let_go_by_its_maker_it_is_charged_to_its_holder;
case_body killed_makers_memory_is_charged_to_its_holder;
case_body letting_go_again_and_again_does_not_pass_the_limit;
case_body of_an_outsider_it_is_charged_once_that_is_gone;
case_body past_the_limit_nothing_is_imported;
case_body failing_import_charges_nothing;

#endif
