# perfmgmt: performance reviews inside PostgreSQL.
#
# The domains, once, in load order. Everything else derives from this list:
# sql/engine/<domain>.sql are members of the extension, sql/schema/<domain>.sql
# is what install() creates, src/<domain>.c and src/<domain>_*.c are its C.
DOMAINS = identity audit org policy cycle feedback rating calibration pip attrition fairness forte olr insight erasure

EXTENSION = perfmgmt
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" perfmgmt.control)

engine_sql = $(wildcard $(DOMAINS:%=sql/engine/%.sql))
schema_sql = $(wildcard $(DOMAINS:%=sql/schema/%.sql))
built_sql = sql/$(EXTENSION)--$(EXTVERSION).sql

MODULE_big = perfmgmt
OBJS = src/perfmgmt.o $(patsubst %.c,%.o,$(wildcard $(DOMAINS:%=src/%.c) $(DOMAINS:%=src/%_*.c)))
PG_CPPFLAGS = -I$(srcdir)/src -DPERFMGMT_VERSION=\"$(EXTVERSION)\"
PG_CFLAGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers

# The hashes of the ledger call the OpenSSL that the server was built with.
SHLIB_LINK += $(filter -lcrypto,$(LIBS))

DATA_built = $(built_sql)
DATA = $(wildcard sql/upgrade/*--*.sql)
EXTRA_CLEAN = $(built_sql)

REGRESS = $(filter $(DOMAINS:%=%) $(foreach domain,$(DOMAINS),$(domain)_%),$(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --outputdir=. --load-extension=perfmgmt
ISOLATION = $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=perfmgmt

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# A server that gcc built hands its options to clang, which does not know all.
ifneq ($(findstring clang,$(CC)),)
override CFLAGS += -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-unused-command-line-argument -Wno-ignored-attributes -Wno-compound-token-split-by-macro
endif

# The extension script: the engine, then every schema file wrapped as text, so
# that install() can run it, then install() itself.
$(built_sql): $(engine_sql) $(schema_sql) sql/wrap.awk sql/privileged.sql sql/install.sql Makefile perfmgmt.control
	{ printf '\\echo Use "CREATE EXTENSION perfmgmt" to load this file. \\quit\n'; \
	  cat $(engine_sql); \
	  awk -f sql/wrap.awk $(schema_sql); \
	  cat sql/privileged.sql sql/install.sql; } > $@.tmp
	mv $@.tmp $@
