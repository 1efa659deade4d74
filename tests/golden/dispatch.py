"""Chooses the code that NumPy computes with; import it before NumPy.

NumPy brings vector code of its own for logarithms and exponentials, and takes it where the processor has the instructions: the last bit
then depends on the processor. Its baseline calls the mathematics library of the C library, as caz does. With the vector code
switched off both have the same bits, on any x86-64 processor with the same C library.
"""

import os
import sys

if "numpy" in sys.modules:
    raise ImportError("dispatch comes before numpy")

os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"

# Such as `glibc 2.36`: whose functions answered.
LIBC = os.confstr("CS_GNU_LIBC_VERSION")
