"""An alarm in one sentence, English and Finnish."""

from serving.alarms.counts import Group


def english(group: Group, hours: int, customers: int, expected: float, p_value: float) -> str:
    """The alarm for staff who read English.

    >>> english(Group("carrier", carrier="Posti"), 24, 14, 3.14, 2e-6)
    'Carrier Posti: 14 unhappy customers in 24 hours, usually 3.1. By chance less than once in 100,000 looks.'
    """
    where = {
        "touchpoint": f"Touchpoint {group.touchpoint}",
        "carrier": f"Carrier {group.carrier}",
        "store": f"Stores, {group.touchpoint}",
    }[group.kind]
    return (
        f"{where}: {customers} unhappy customers in {hours} hours, usually {expected:.1f}. "
        f"By chance less than once in {_looks(p_value):,} looks."
    )


def finnish(group: Group, hours: int, customers: int, expected: float, p_value: float) -> str:
    """The same for staff who read Finnish.

    >>> finnish(Group("store", touchpoint="pickup", channel="store"), 6, 9, 0.4, 3e-8)
    'Myymälät, pickup: 9 tyytymätöntä asiakasta 6 tunnissa, tavallisesti 0,4. Sattumalta harvemmin kuin kerran 10 000 000 tarkistuksessa.'
    """  # noqa: E501
    where = {
        "touchpoint": f"Kosketuspiste {group.touchpoint}",
        "carrier": f"Kuljetusyhtiö {group.carrier}",
        "store": f"Myymälät, {group.touchpoint}",
    }[group.kind]
    usual = f"{expected:.1f}".replace(".", ",")
    looks = f"{_looks(p_value):,}".replace(",", " ")
    return (
        f"{where}: {customers} tyytymätöntä asiakasta {hours} tunnissa, tavallisesti {usual}. "
        f"Sattumalta harvemmin kuin kerran {looks} tarkistuksessa."
    )


def _looks(p_value: float) -> int:
    """The power of ten that 1 / p exceeds; at most a thousand million.

    >>> _looks(2e-6), _looks(0.0)
    (100000, 1000000000)
    """
    looks = 10
    while looks < 10**9 and p_value * looks * 10 < 1:
        looks *= 10
    return looks
