# SPDX-License-Identifier: GPL-2.0-only
"""The arguments of calls: what each must be, checked before the model does anything.

Where Linux answers a bad argument with an errno, the argument passes and the model answers with
that errno.  A mistake in Python raises TypeError or ValueError: the message names the argument,
what was given, and what to give instead.  RULES has a rule for each annotation of the interface.

>>> from reference_model import *
>>> Kernel().fire(Kernel().mkdir("web"), BPF_CGROUP_INET_EGRESS)
Traceback (most recent call last):
    ...
ValueError: fire(): where: Cgroup('web') belongs to another kernel; use objects of one kernel
>>> Kernel().map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, 8)
Traceback (most recent call last):
    ...
TypeError: map_create(): value: 8 is not a type; pass one such as U64 or Bytes(8)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache, partial, wraps
from reprlib import repr as short
from typing import Any, NamedTuple

from .cgroups import Cgroup, Socket
from .interface import CALLS, KernelInterface
from .links import LinkFd
from .lsm import HOOKS
from .maps import BOGUS_KEY, UNINITIALISED, MapFd
from .programs import ProgFd
from .state import Descriptor, State
from .steps import CgroupOf, Step
from .uapi import AttachType, MapType, ProgType
from .values import Type

Check = Callable[[State, str, Any], Any]
"""Return an argument of a call on a kernel; TypeError or ValueError begins with its place."""


class ArgumentRule(NamedTuple):
    """What an argument must be."""

    at_once: str
    """An expression that is true if argument ``{0}`` passes without a call of ``check``."""
    check: Check


class Unfit(NamedTuple):
    """Why an argument cannot be used, and what can."""

    place: str
    given: object

    def type(self, kind: str, instead: str) -> TypeError:
        """The error for an argument of a wrong type."""
        return TypeError(f"{self.place}: {short(self.given)} is not {kind}; pass {instead}")

    def value(self, reason: str, instead: str) -> ValueError:
        """The error for an argument of the right type with a wrong value."""
        return ValueError(f"{self.place}: {short(self.given)} {reason}; {instead}")

    def foreign(self) -> ValueError:
        """The error for an object of another kernel."""
        return self.value("belongs to another kernel", "use objects of one kernel")


# -- checks ----------------------------------------------------------------------------------------


def _number(kernel: State, place: str, given: Any, *, bits: int, least: int = 0) -> int:
    if not isinstance(given, int):
        raise Unfit(place, given).type("an int", f"a {bits}-bit number")
    if not least <= given < 1 << bits:
        raise Unfit(place, given).value(
            f"does not fit in {bits} bits", f"pass {least} to {(1 << bits) - 1}"
        )
    return given


_u32 = partial(_number, bits=32)
_u64 = partial(_number, bits=64)
_immediate = partial(_number, bits=64, least=-(1 << 63))


def _text(kernel: State, place: str, given: Any) -> str:
    if not isinstance(given, str):
        raise Unfit(place, given).type("a str", "a string")
    return given


def _boolean(kernel: State, place: str, given: Any) -> bool:
    if not isinstance(given, bool):
        raise Unfit(place, given).type("a bool", "True or False")
    return given


def _type(kernel: State, place: str, given: Any) -> Type:
    if not isinstance(given, Type):
        raise Unfit(place, given).type("a type", "one such as U64 or Bytes(8)")
    return given


def _optional(check: Check) -> Check:
    """A check that lets None pass."""
    return lambda kernel, place, given: None if given is None else check(kernel, place, given)


_OTHER_TYPES = range(1, 48)
"""The numbers that Linux gives, or may soon give, to types of maps and programs."""


def _named(kernel: State, place: str, given: Any, *, names: type[MapType] | type[ProgType]) -> int:
    """A type of map or program; a number that Linux gives to no type gets an errno."""
    number = _u32(kernel, place, given)
    if number in names.__members__.values():
        return names(number)
    if number in _OTHER_TYPES:
        known = ", ".join(f"{name} ({int(found)})" for name, found in names.__members__.items())
        raise Unfit(place, given).value("is not modelled", f"pass one of {known}")
    return number


_ATTACH_TYPES = {int(known): known for known in AttachType}
_SHORT = {
    name: known
    for known in AttachType
    for full in [known.name.lower()]
    for short_name in [full.removeprefix("bpf_").removeprefix("cgroup_")]
    for name in (full, short_name, short_name.removeprefix("inet_"))
}
"""Names that somebody could write for an attach type."""


def _attach_type(kernel: State, place: str, given: Any) -> int:
    """An attach type; any other number of 32 bits passes, and Linux refuses it."""
    if not isinstance(given, int):
        raise Unfit(place, given).type("an attach type", "one such as BPF_CGROUP_INET_EGRESS")
    known = _ATTACH_TYPES.get(given)
    return _u32(kernel, place, given) if known is None else known


def _hook(kernel: State, place: str, given: Any) -> AttachType | str:
    """An attach type that has a hook, or the name of an LSM hook."""
    if isinstance(given, str):
        meant = _SHORT.get(given.lower())
        if meant is not None:
            raise Unfit(place, given).value("is not an LSM hook", f"pass {meant} without quotes")
        if given not in HOOKS:
            raise Unfit(place, given).value("is not an LSM hook", "pass one such as 'socket_bind'")
        return given
    number = _attach_type(kernel, place, given)
    if not isinstance(number, AttachType):
        known = ", ".join(f"{name} ({number})" for number, name in _ATTACH_TYPES.items())
        raise Unfit(place, given).value("is not an attach type of cgroups", f"pass one of {known}")
    return number


def _cgroup(kernel: State, place: str, given: Any) -> Cgroup:
    if not isinstance(given, Cgroup):
        raise Unfit(place, given).type("a cgroup", "what mkdir() returned")
    at = given
    while at.parent is not None:
        at = at.parent
    if at is not kernel.root:
        raise Unfit(place, given).foreign()
    return given


def _socket(kernel: State, place: str, given: Any) -> Socket:
    if not isinstance(given, Socket):
        raise Unfit(place, given).type("a socket", "what socket() returned")
    _cgroup(kernel, place, given.cgroup)
    return given


def _cgroup_or_socket(kernel: State, place: str, given: Any) -> Cgroup | Socket:
    if isinstance(given, Socket):
        return _socket(kernel, place, given)
    return _cgroup(kernel, place, given)


def _descriptor(kernel: State, place: str, given: Any) -> Any:
    """A descriptor, or None for descriptor 0; Linux refuses the wrong kind and a closed one."""
    if isinstance(given, Cgroup):
        return _cgroup(kernel, place, given)
    if isinstance(given, Descriptor):
        if given.open and kernel.objects[given.object.kind].get(given.id) is not given.object:
            raise Unfit(place, given).foreign()
    elif given is not None:
        raise Unfit(place, given).type("a descriptor", "that of a map, program, link or cgroup")
    return given


def _anchor(kernel: State, place: str, given: Any) -> Any:
    """A descriptor or an id."""
    return (_u32 if isinstance(given, int) else _descriptor)(kernel, place, given)


def _key(kernel: State, place: str, given: Any) -> Any:
    """A key of some map: each map says what its own keys are."""
    if given is None or given is BOGUS_KEY:
        return given
    if isinstance(given, tuple) and len(given) == 2:
        cgroup, attach_type = given
        if attach_type is not UNINITIALISED:
            _attach_type(kernel, f"{place}[1]", attach_type)
        if isinstance(cgroup, Cgroup):
            _cgroup(kernel, f"{place}[0]", cgroup)
        else:
            _u64(kernel, f"{place}[0]", cgroup)
        return given
    if isinstance(given, int):
        return _u64(kernel, place, given)
    if isinstance(given, Cgroup):
        return _cgroup(kernel, place, given)
    raise Unfit(place, given).type("a key", "(cgroup, attach_type), a cgroup or a number")


def _value(kernel: State, place: str, given: Any) -> Any:
    """A value: its type encodes it; that of a program array is a descriptor."""
    return _descriptor(kernel, place, given) if isinstance(given, Descriptor) else given


def _body(kernel: State, place: str, given: Any) -> tuple[Step, ...]:
    try:
        steps = (given,) if isinstance(given, Step) else tuple(given)
    except TypeError:
        raise Unfit(place, given).type("a step", "one such as Add(map), or a list") from None
    for step in steps:
        if not isinstance(step, Step):
            raise Unfit(place, step).type("a step", "one such as Add(map)")
        kind: Any = type(step)
        for name, check in _fields_of(kind):
            check(kernel, f"{place}: {kind.__name__}.{name}", getattr(step, name))
    return steps


def _cgroup_of(kernel: State, place: str, given: Any) -> str:
    if given not in [*CgroupOf]:
        raise Unfit(place, given).type("a cgroup", "one such as CgroupOf.TASK")
    return str(given)


_STEP_FIELDS: dict[str, Check] = {
    "MapFd": _descriptor,
    "int": _immediate,
    "str": _text,
    "str | None": _optional(_text),
    "bool": _boolean,
    "CgroupOf": _cgroup_of,
}
"""What the fields of steps must be, by their annotations."""


@cache
def _fields_of(step: type[Step]) -> tuple[tuple[str, Check], ...]:
    return tuple((field.name, _STEP_FIELDS[str(field.type)]) for field in fields(step))


# -- rules -----------------------------------------------------------------------------------------

_OWN = "self.cgroups.get({0}.id) is {0}"
_IS_CGROUP = f"{{0}}.__class__ is Cgroup and {_OWN}"
_KEY_OF_CGROUP = _OWN.format("{0}[0]")


def _own(kind: type[Descriptor], name: str) -> ArgumentRule:
    """The rule for a descriptor that most calls want to be of one kind."""
    alive = f'self.objects["{name}"].get({{0}}.object.id) is {{0}}.object'
    return ArgumentRule(f"{{0}}.__class__ is {kind.__name__} and {alive}", _descriptor)


def _or_none(rule: ArgumentRule) -> ArgumentRule:
    return ArgumentRule(f"{{0}} is None or {rule.at_once}", _optional(rule.check))


_U32 = ArgumentRule("{0}.__class__ is int and 0 <= {0} < 0x1_0000_0000", _u32)
_U64 = ArgumentRule("{0}.__class__ is int and 0 <= {0} < 0x1_0000_0000_0000_0000", _u64)
_CGROUP = ArgumentRule(_IS_CGROUP, _cgroup)
_TYPE = ArgumentRule("isinstance({0}, Type)", _type)
_FDS = frozenset({MapFd, ProgFd, LinkFd})
_ANY_DESCRIPTOR = ArgumentRule(
    "{0}.__class__ in _FDS and self.objects[{0}.object.kind].get({0}.object.id) is {0}.object",
    _descriptor,
)
_MAP, _PROG, _LINK = _own(MapFd, "map"), _own(ProgFd, "prog"), _own(LinkFd, "link")

RULES: dict[str, ArgumentRule] = {
    "int": _U32,
    "int | None": _or_none(_U32),
    "Bits64": _U64,
    "str": ArgumentRule("{0}.__class__ is str", _text),
    "bool": ArgumentRule("{0}.__class__ is bool", _boolean),
    "Type": _TYPE,
    "Type | None": _or_none(_TYPE),
    "Value": ArgumentRule("not isinstance({0}, Descriptor)", _value),
    "Key": ArgumentRule(
        "{0} is None or {0}.__class__ is tuple and len({0}) == 2 "
        "and {0}[1].__class__ is AttachType and ({0}[0].__class__ is int and {0}[0] >= 0 "
        f"or {{0}}[0].__class__ is Cgroup and {_KEY_OF_CGROUP})",
        _key,
    ),
    "Cgroup": _CGROUP,
    "Cgroup | None": _or_none(_CGROUP),
    "CgroupFd": ArgumentRule(_IS_CGROUP, _descriptor),
    "Socket": ArgumentRule("False", _socket),
    "Cgroup | Socket": ArgumentRule(_IS_CGROUP, _cgroup_or_socket),
    "MapFd": _MAP,
    "MapFd | None": _or_none(_MAP),
    "ProgFd": _PROG,
    "ProgFd | None": _or_none(_PROG),
    "LinkFd": _LINK,
    "Descriptor": _ANY_DESCRIPTOR,
    "Descriptor | Cgroup": _ANY_DESCRIPTOR,
    "Descriptor | int | None": ArgumentRule("{0} is None", _anchor),
    "MapType": ArgumentRule("{0}.__class__ is MapType", partial(_named, names=MapType)),
    "ProgType": ArgumentRule("{0}.__class__ is ProgType", partial(_named, names=ProgType)),
    "AttachType": ArgumentRule("{0}.__class__ is AttachType", _attach_type),
    "AttachType | str": ArgumentRule("{0}.__class__ is AttachType", _hook),
    "Step | Iterable[Step]": ArgumentRule("False", _body),
}
"""What the arguments of calls must be, by their annotations in the interface."""


def check_arguments(kernel: type[State]) -> None:
    """Put the checks of the arguments before each call of a class of kernels and of its bases."""
    for part in kernel.__mro__:
        if issubclass(part, State):
            for name in CALLS:
                if name in vars(part):
                    setattr(part, name, _checked_later(part, name, vars(part)[name]))


def _checked_later(part: type[State], name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, whose checks are made at its first call, as most are never called."""

    @cache
    def checked() -> Callable[..., Any]:
        made = _checked(name, method)
        if vars(part)[name] is first:
            setattr(part, name, made)
        return made

    @wraps(method)
    def first(*arguments: Any, **named: Any) -> Any:
        return checked()(*arguments, **named)

    return first


def restore_calls(kernel: type[State]) -> None:
    """Give a subclass of a class with checks the calls without them."""
    for name in CALLS:
        method = getattr(kernel, name).__wrapped__
        method.__doc__ = getattr(KernelInterface, name).__doc__
        setattr(kernel, name, method)


def _checked(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """The method behind the checks of its arguments: a function as one would write it by hand."""
    import inspect

    annotations = inspect.signature(getattr(KernelInterface, name)).parameters
    head: list[str] = []
    passed, checks, checkers = [], [], {}
    by_name = False
    for parameter in inspect.signature(method).parameters.values():
        argument = parameter.name
        many = parameter.kind is parameter.VAR_POSITIONAL
        if parameter.kind is parameter.KEYWORD_ONLY and not by_name:
            by_name = True
            head += [] if any("*" in part for part in head) else ["*"]
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        head.append(f"{'*' if many else ''}{argument}{default}")
        passed.append(f"{argument}={argument}" if by_name else f"{'*' if many else ''}{argument}")
        if argument == "self":
            continue
        rule = RULES[str(annotations[argument].annotation)]
        checkers[f"check_{argument}"] = rule.check
        checked = f"check_{argument}(self, '{name}(): {argument}', {{0}})"
        if many:
            checks.append(f"for one in {argument}:")
            checks.append(f"    if not ({rule.at_once.format('one')}):")
            checks.append(f"        {argument} = [{checked.format('one')} for one in {argument}]")
            checks.append("        break")
        else:
            checks.append(f"if not ({rule.at_once.format(argument)}):")
            checks.append(f"    {argument} = {checked.format(argument)}")
    lines = [f"def {name}({', '.join(head)}):", *checks, f"return method({', '.join(passed)})"]
    space: dict[str, Any] = {**globals(), **checkers, "method": method}
    exec("\n    ".join(lines), space)
    return wraps(method)(space[name])
