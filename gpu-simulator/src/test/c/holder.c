/* holder MIB SECONDS: a process with a context and MIB of memory on device 0, busy half of the time. For the scripts. */
#include "node.h"
#include "test_support.h"

int main(int argc, char **argv)
{
    if (argc != 3 || !sim_node_open() || !sim_node_register_process() || !sim_node_context_add(0)
        || !sim_mem_take(0, strtoull(argv[1], NULL, 10) << 20))
        return 1;
    puts("ready");
    fflush(stdout);
    for (int i = 0; i < 10 * atoi(argv[2]); i++) {
        uint64_t start = sim_now_ns();
        sleep_ms(100);
        sim_busy_add(0, start, start + (sim_now_ns() - start) / 2);
    }
    return 0;
}
