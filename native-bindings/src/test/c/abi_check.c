/*
 * Prints a table "name value" of ABI facts, from our header or from a vendor's.
 *
 * Compiled twice, because the two headers define the same names: once with ABI_HEADER naming our
 * header and once with it naming the real one. ABI_FACTS names the generated list of facts (see
 * abi_facts.awk). Equal output means equal ABI. Exits 1 when the table cannot be written.
 *
 * With ABI_PROTOTYPES the file instead includes the real header and then our functions: every
 * prototype of ours is then a redeclaration of the real one, and a difference does not compile.
 */
#include <stddef.h>
#include <stdio.h>

#ifdef ABI_PROTOTYPES

#include ABI_HEADER
/* Shorter structures of the oldest calls: the real header declares them with the newest one. */
#define nvmlPciInfo_v1_t nvmlPciInfo_t
#define nvmlPciInfo_v2_t nvmlPciInfo_t
#include ABI_PROTOTYPES

#else

#include ABI_HEADER

struct fact {
  const char *name;
  long long value;
};

static const struct fact facts[] = {
#define SIZE(type) {"size " #type, (long long)sizeof(type)},
#define OFFSET(type, member) {"offset " #type "." #member, (long long)offsetof(type, member)},
#define VALUE(constant) {"value " #constant, (long long)(constant)},
#include ABI_FACTS
};

int main(void) {
  for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
    if (printf("%s %lld\n", facts[i].name, facts[i].value) < 0) {
      return 1;
    }
  }
  return fflush(stdout) == 0 ? 0 : 1;
}

#endif
