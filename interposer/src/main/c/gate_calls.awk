# From the GATE rows of functions.def and the prototypes of cuda_functions.h: the list that gate_calls.c is made of, one
# GATE_CALL(name, (parameters), arguments) per row. Run as: awk -f gate_calls.awk functions.def cuda_functions.h

function fail(why) {
    print "gate_calls.awk: " why >"/dev/stderr"
    failed = 1
    exit 1
}

function prototype(text,    name, list, types, count, i, parameters, arguments) {
    gsub(/[ \t]+/, " ", text)
    sub(/^ *CUresult /, "", text)
    name = text
    sub(/\(.*/, "", name)
    if (!(name in row)) {
        return
    }
    list = text
    sub(/^[^(]*\(/, "", list)
    sub(/\) *; *$/, "", list)
    if (list ~ /[][()]/ || list ~ /\.\.\./ || list == "void" || list == "") {
        fail(name ": a parameter list that this does not understand: " list)
    }
    count = split(list, types, / *, */)
    for (i = 1; i <= count; i++) {
        parameters = parameters (i > 1 ? ", " : "") types[i] " a" i
        arguments = arguments (i > 1 ? ", " : "") "a" i
    }
    call[name] = "GATE_CALL(" name ", (" parameters "), " arguments ")"
}

FNR == 1 { file++ }
file == 1 && /^GATE\([A-Za-z0-9_]+\)/ {
    name = substr($0, 6)
    sub(/\).*/, "", name)
    row[name] = 1
    order[++rows] = name
}
file == 2 && /^CUresult / { reading = 1; text = "" }
file == 2 && reading {
    text = text " " $0
    if ($0 ~ /;[ \t]*$/) {
        reading = 0
        prototype(text)
    }
}
END {
    for (i = 1; i <= rows && !failed; i++) {
        if (!(order[i] in call)) {
            fail(order[i] ": no prototype of this GATE row")
        }
        print call[order[i]]
    }
    exit failed
}
