"""The stack machine behind `read_pickle`: what each opcode does, on plain containers only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from nada.checkpoints.problems import BadFile, ForbiddenName

MAX_COST = 3_000_000  # in opcodes; a 1024 px release with its optimiser stays far below
CALL_COST = 200  # in opcodes; a call may read a nested pickle
Names = Mapping[str, "Callable[..., Any] | None"]

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_CARRIES_VALUE = frozenset(
    "BININT BININT1 BININT2 LONG1 LONG4 INT LONG BINFLOAT FLOAT BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "UNICODE STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8".split()
)
_KEYS = (str, int, float, bytes, type(None))  # hashing a deeply nested tuple could exhaust the C stack
_MARK = object()


class Name:
    """A global that a pickle mentions: its name only, never the object."""

    __slots__ = ("full",)

    def __init__(self, full: str) -> None:
        self.full = full


class Buildable(Protocol):
    """A value of ours that takes the state a pickle holds for it."""

    def build(self, state: Any) -> None:
        """Take over `state`."""


def new_dict(*args: Any) -> dict[Any, Any]:
    """Stand in for the dict subclasses: an optional list of pairs."""
    pairs = args[0] if args else ()
    result: dict[Any, Any] = {}
    for key, value in pairs.items() if isinstance(pairs, dict) else pairs:
        result[_key(key)] = value
    return result


def new_set(items: Any = ()) -> set[Any]:
    """Stand in for `set`, which protocols below 4 write as a call."""
    return {_key(item) for item in items}


def _key(value: Any) -> Any:
    if not isinstance(value, _KEYS):
        raise BadFile(f"uses a {type(value).__name__} as a key, which generator files never do; it may be damaged")
    return value


class PickleMachine:
    """The stack and the memo of one pickle."""

    def __init__(self, names: Names, persistent: Callable[[Any], Any] | None, limit: int) -> None:
        self.names, self.persistent, self.limit = names, persistent, limit
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}  # a dict, so that a huge index costs nothing
        self.spent = 0

    def spend(self, cost: int) -> None:
        """Count work and memory. Raises BadFile when it is more than any generator needs."""
        self.spent += cost
        if self.spent > self.limit:
            raise BadFile("has more entries than any generator; it is not one, or it was made to do harm")

    def step(self, opcode: str, arg: Any) -> None:
        """Do one opcode."""
        if opcode in _CARRIES_VALUE:
            self.stack.append(arg)
        elif opcode in _CONSTANTS:
            self.stack.append(_CONSTANTS[opcode])
        else:
            action = getattr(self, f"_{opcode.lower()}", None)
            if action is None:
                raise BadFile(f"uses the pickle instruction {opcode}, which generator files never do; it may be damaged")
            action(arg)

    def result(self) -> Any:
        """Return the one value left on the stack."""
        (value,) = self.stack
        return value

    def _items(self) -> list[Any]:
        """Pop everything above the last mark, and the mark."""
        items: list[Any] = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def _proto(self, _: Any) -> None:
        """The opcodes say all there is to know."""

    _frame = _stop = _proto

    def _mark(self, _: Any) -> None:
        self.stack.append(_MARK)

    def _pop(self, _: Any) -> None:
        self.stack.pop()

    def _pop_mark(self, _: Any) -> None:
        self._items()

    def _dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def _empty_list(self, _: Any) -> None:
        self.stack.append([])

    def _empty_dict(self, _: Any) -> None:
        self.stack.append({})

    def _empty_set(self, _: Any) -> None:
        self.stack.append(set())

    def _empty_tuple(self, _: Any) -> None:
        self.stack.append(())

    def _list(self, _: Any) -> None:
        self.stack.append(self._items())

    def _tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._items()))

    def _dict(self, _: Any) -> None:
        items = self._items()
        self.stack.append(new_dict(list(zip(items[::2], items[1::2], strict=True))))

    def _frozenset(self, _: Any) -> None:
        self.stack.append(new_set(self._items()))

    def _shorten(self, count: int) -> None:
        items = [self.stack.pop() for _ in range(count)]
        self.stack.append(tuple(items[::-1]))

    def _tuple1(self, _: Any) -> None:
        self._shorten(1)

    def _tuple2(self, _: Any) -> None:
        self._shorten(2)

    def _tuple3(self, _: Any) -> None:
        self._shorten(3)

    def _target(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise BadFile("is damaged: a value is put into something that holds none; download or copy it again")
        return self.stack[-1]

    def _append(self, _: Any) -> None:
        value = self.stack.pop()
        self._target(list).append(value)

    def _appends(self, _: Any) -> None:
        items = self._items()
        self._target(list).extend(items)

    def _additems(self, _: Any) -> None:
        items = self._items()
        self._target(set).update(_key(item) for item in items)

    def _setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._target(dict)[_key(key)] = value

    def _setitems(self, _: Any) -> None:
        items = self._items()
        self._target(dict).update(new_dict(list(zip(items[::2], items[1::2], strict=True))))

    def _put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    _binput = _long_binput = _put

    def _memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    _binget = _long_binget = _get

    def _name(self, full: str) -> Name:
        if full not in self.names:
            raise ForbiddenName(full)
        return Name(full)

    def _global(self, arg: str) -> None:
        module, _, name = arg.partition(" ")
        self.stack.append(self._name(f"{module}.{name}"))

    def _stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise BadFile("is damaged: a name in it is no text; download or copy it again")
        self.stack.append(self._name(f"{module}.{name}"))

    def _inst(self, arg: str) -> None:
        self._global(arg)
        name = self.stack.pop()
        self._call(name, tuple(self._items()))

    def _obj(self, _: Any) -> None:
        name, *args = self._items()
        self._call(name, tuple(args))

    def _call(self, name: Any, args: Any) -> None:
        make = self.names[name.full] if isinstance(name, Name) else None
        if make is None or not isinstance(args, tuple):
            raise BadFile("calls something that is no constructor; it is damaged, or it was made to do harm")
        self.spend(CALL_COST + sum(len(arg) for arg in args if isinstance(arg, (str, list, tuple, dict, set))))
        self.stack.append(make(*args))

    def _reduce(self, _: Any) -> None:
        args, name = self.stack.pop(), self.stack.pop()
        self._call(name, args)

    _newobj = _reduce

    def _newobj_ex(self, _: Any) -> None:
        self.stack.pop()  # keyword arguments: none of the known constructors takes any
        self._reduce(None)

    def _build(self, _: Any) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, dict):
            return  # attributes of a dict subclass, such as the versions beside a state dict
        if not hasattr(type(target), "build"):
            raise BadFile("is damaged: a state belongs to a value that has none; download or copy it again")
        target.build(state)

    def _binpersid(self, _: Any) -> None:
        if self.persistent is None:
            raise BadFile("refers to data outside itself; it is not a complete file")
        self.stack.append(self.persistent(self.stack.pop()))
