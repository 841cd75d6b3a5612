/*
 * Memory that one process makes and another holds, for every row that brings it in or hands it out, by every route to the row: charged
 * once in the tenant, charged to whoever still holds it once its maker does not, and gone when the last holder is.
 */
#include "support_importing.h"
#include "support_rows.h"

static const struct {
    case_body *body;
    const char *what;
    bool of_exports; /* means something for a row that hands memory out, too */
} bodies[] = {{within_the_tenant_it_is_charged_once, "within_the_tenant", true},
    {let_go_by_its_maker_it_is_charged_to_its_holder, "maker_lets_go", true},
    {killed_makers_memory_is_charged_to_its_holder, "maker_killed", true},
    {letting_go_again_and_again_does_not_pass_the_limit, "again_and_again", true},
    {of_an_outsider_it_is_charged_once_that_is_gone, "of_an_outsider", false},
    {past_the_limit_nothing_is_imported, "past_the_limit", false},
    {failing_import_charges_nothing, "failing", false}};

static void run_part(unsigned int part, unsigned int parts)
{
    struct world *world = world_open((struct world_config){.limit_bytes = IMPORT_LIMIT_BYTES, .agent_wait_ms = 10000});
    unsigned int at = 0;
    for (const struct subject *subject = subjects_import; subject->name != NULL; subject++) {
        for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
            if ((subject->kind == SUBJECT_IMPORT || bodies[i].of_exports) && at++ % parts == part) {
                run_subject(world, subject, bodies[i].body, bodies[i].what);
            }
        }
    }
    world_close(world);
}

/* The cases wait for the agent's ticks nearly all the time. */
int main(void)
{
    run_in_parts(4, run_part);
    return finish_cases();
}
