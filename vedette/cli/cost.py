"""`vedette cost`: what watching an endpoint costs a month, and why."""

from __future__ import annotations

from typing import Any

import click

from vedette.cli import stage
from vedette.cli.stage import Hands


@stage.command("cost")
@click.argument("endpoint", required=False)
@click.option("--requests-per-hour", type=click.FloatRange(0), help="In place of what CloudWatch counted.")
@click.option(
    "--objects-per-hour", type=click.FloatRange(0), help="Captured objects, in place of those of the last day."
)
@click.option("--price", "prices", multiple=True, metavar="KEY=USD", help="Another price; the list shows the keys.")
@click.option("--assume", "assumed", multiple=True, metavar="KEY=NUMBER", help="Another assumption.")
def cost_command(
    hands: Hands,
    endpoint: str | None,
    requests_per_hour: float | None,
    objects_per_hour: float | None,
    prices: tuple[str, ...],
    assumed: tuple[str, ...],
) -> None:
    """Estimate what Vedette costs a month, for one endpoint or all of the fleet.

    Calls are counted on the local stand-in, traffic is the endpoint's own; prices and assumptions are listed, and can
    be replaced. A monthly ceiling (`vedette manage ... --set monthly_ceiling_usd=20`) lets captured objects be sampled;
    every verdict says so.

    \b
    Examples:
      vedette cost preferred-site
      vedette cost preferred-site --objects-per-hour 600 --price s3_get=0.00000043 --assume megabytes_per_object=2
    """  # noqa: D301
    from datetime import UTC, datetime

    from chalicelib.aws import store
    from chalicelib.errors import VedetteError
    from vedette.operations import control, cost
    from vedette.operations.api_call_counts import COUNTED

    entries = [control.entry_of(endpoint)] if endpoint else list(store.fleet().entries)
    if not entries:
        raise VedetteError("No endpoint is in the fleet.")
    priced = cost.changed(cost.PRICES, dict(stage.pair("--price", text) for text in prices), "--price")
    assumptions = cost.changed(cost.ASSUMPTIONS, dict(stage.pair("--assume", text) for text in assumed), "--assume")
    given: dict[str, Any] = {"requests_per_hour": requests_per_hour, "objects_per_hour": objects_per_hour}
    now, found, unknown = datetime.now(UTC), [], []
    for entry in entries:
        try:
            traffic = cost.traffic_of(entry, now, **given)
        except VedetteError as error:
            if endpoint:
                raise
            unknown.append(str(error))
            continue
        found.append(cost.estimate(entry, traffic, priced, assumptions))
    for one in found:
        _show(hands, one)
    hands.say(*unknown)
    if len(found) > 1:
        hands.say(f"Together about {sum(one.usd for one in found):,.2f} USD a month.")
    hands.say("", f"Prices, each in USD: {cost.PRICES_FROM}.", _listed(priced))
    hands.say("Assumptions:", _listed(assumptions), f"Calls were counted on {COUNTED}.")
    hands.answer(
        {
            "estimates": [{**_plain(one), "usd": round(one.usd, 4)} for one in found],
            "unknown": unknown,
            "prices": priced,
            "prices_from": cost.PRICES_FROM,
            "assumptions": assumptions,
            "counted": COUNTED,
        }
    )


def _show(hands: Hands, one: Any) -> None:
    from vedette.operations import cost

    traffic = one.traffic
    requests = f", {traffic.requests_per_hour:,.0f} requests an hour" if traffic.requests_per_hour is not None else ""
    hands.say(
        f"{one.endpoint}: about {one.usd:,.2f} USD a month.",
        f"  {traffic.objects_per_hour:,.3g} captured objects an hour ({traffic.source}){requests}",
    )
    if one.ceiling_usd:
        read = "all are read" if traffic.share == 1 else f"about {100 * traffic.share:.3g} % of them are read"
        held = "" if one.usd <= one.ceiling_usd else "; it cannot be held, since leaving objects out costs too"
        hands.say(f"  ceiling {one.ceiling_usd:,.2f} USD a month: {read}{held}")
    hands.table(("What", "A month", "USD"), list(cost.rows(one)))


def _plain(one: Any) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(one)
    return plain


def _listed(figures: dict[str, float]) -> str:
    return "\n".join(f"  {name} = {value:.6g}" for name, value in figures.items())
