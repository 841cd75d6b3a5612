/*
 * Opens every library named libcuda.so.1 that it is told of by the folder of libraries, and says what became of the first that cannot be
 * opened, or "opened" when one can.
 *
 *   musl_tenant FOLDER
 */
#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>

int main(int count, char **arguments)
{
    char pattern[4096];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/*/libcuda.so.1", count > 1 ? arguments[1] : "");
    if (glob(pattern, 0, NULL, &found) != 0) {
        puts("there is no driver");
        return 1;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        puts(dlopen(found.gl_pathv[i], RTLD_NOW) == NULL ? dlerror() : "opened");
    }
    fflush(stdout);
    getchar();
    return 0;
}
