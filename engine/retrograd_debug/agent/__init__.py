"""In the debuggee: gate, breakpoints, values, output, evaluation."""
