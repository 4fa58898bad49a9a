"""Rows of a Spark frame as typed JSON.

`golden` is the encoding of the golden tables: binary in hex, maps as sorted [key, value] pairs.
`contract` is the encoding of `hudictl query --output jsonl`: binary in base64, maps with string keys as objects.
Everything else is the same in both: decimals are strings with their full scale, floats the shortest number that reads
back equal, instants have six fraction digits.
"""
import base64
import json
import math
import struct

DAY = 86_400_000_000


def plain(frame):
    """The frame with dates as days and timestamps as microseconds: Python's datetime ends in year 9999, Spark's do not."""
    exprs = []
    for field in frame.schema.fields:
        name = f"`{field.name}`"
        exprs.append(f"{_numbers(name, field.dataType, 0)} AS {name}")
    return frame.selectExpr(*exprs)


def _numbers(x, dtype, depth):
    kind = dtype.typeName()
    if kind == "timestamp":
        return f"unix_micros({x})"
    if kind == "timestamp_ntz":
        return f"unix_micros(CAST({x} AS TIMESTAMP))"
    if kind == "date":
        return f"unix_date({x})"
    var = f"v{depth}"
    if kind == "array":
        inner = _numbers(var, dtype.elementType, depth + 1)
        return x if inner == var else f"transform({x}, {var} -> {inner})"
    if kind == "map":
        key, value = _numbers("k", dtype.keyType, depth + 1), _numbers(var, dtype.valueType, depth + 1)
        if key != "k":
            raise ValueError(f"map keys of type {dtype.keyType.simpleString()} have no JSON form")
        return x if value == var else f"transform_values({x}, (k, {var}) -> {value})"
    if kind == "struct":
        parts = [(f.name, _numbers(f"{x}.`{f.name}`", f.dataType, depth)) for f in dtype.fields]
        if all(inner == f"{x}.`{name}`" for name, inner in parts):
            return x
        fields = ", ".join(f"'{name}', {inner}" for name, inner in parts)
        return f"IF({x} IS NULL, NULL, named_struct({fields}))"
    return x


def encode(value, dtype, encoding):
    """One value of a plain() frame; dtype is its type in the original frame."""
    if value is None:
        return None
    kind = dtype.typeName()
    if kind in ("float", "double"):
        return _number(value, kind == "float")
    if kind == "decimal":
        return format(value, f".{dtype.scale}f")  # the JVM sends 2E-10 as 200E-12
    if kind == "date":
        return _date(value)
    if kind == "timestamp":
        return _timestamp(value) + "Z"
    if kind == "timestamp_ntz":
        return _timestamp(value)
    if kind == "binary":
        return bytes(value).hex() if encoding == "golden" else base64.b64encode(bytes(value)).decode()
    if kind == "array":
        return [encode(v, dtype.elementType, encoding) for v in value]
    if kind == "map":
        pairs = [[encode(k, dtype.keyType, encoding), encode(v, dtype.valueType, encoding)] for k, v in value.items()]
        if encoding == "contract" and dtype.keyType.typeName() == "string":
            return dict(pairs)
        return sorted(pairs, key=lambda p: json.dumps(p[0]))
    if kind == "struct":
        return {f.name: encode(value[i], f.dataType, encoding) for i, f in enumerate(dtype.fields)}
    return value


def _number(value, single):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if not single:
        return value
    for digits in range(1, 10):
        text = "%.*g" % (digits, value)
        try:
            if struct.pack("<f", float(text)) == struct.pack("<f", value):
                return float(text)
        except OverflowError:
            pass  # so few digits round the greatest floats up and out of their range
    return value


def _timestamp(micros):
    days, rest = divmod(micros, DAY)
    seconds, fraction = divmod(rest, 1_000_000)
    return f"{_date(days)}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:06d}"


def _date(days):
    """Days since 1970-01-01 in the proleptic Gregorian calendar, any year (Hinnant's civil_from_days)."""
    era, doe = divmod(days + 719_468, 146_097)
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (month <= 2)
    sign = "-" if year < 0 else ""
    return f"{sign}{abs(year):04d}-{month:02d}-{doy - (153 * mp + 2) // 5 + 1:02d}"
