"""Functions of functions, under PyTorch's name ``torch.func``: gradients, Jacobians, batches; all of them nest."""

from retrograd.func.gradients import grad, grad_and_value, jvp, linearize, vjp
from retrograd.func.jacobians import hessian, jacfwd, jacrev
from retrograd.func.modules import functional_call, stack_module_state
from retrograd.func.vmapping import vmap

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]
