"""The control calls about Graph's weather: faults, habits, the ends of subscriptions, and what was counted."""

from collections.abc import Callable
from datetime import UTC, datetime

from dev.simulator.directory import User
from dev.simulator.faults import Faults
from dev.simulator.habits import Habits
from dev.simulator.notifications import Notifier
from dev.simulator.send_script import ScriptedAnswer
from dev.simulator.subscriptions import Subscription
from dev.simulator.world import World

Given = dict[str, object]
_EVENTS = ("missed", "subscriptionRemoved", "reauthorizationRequired")


class Refusal(Exception):
    """A mistake of the caller, in a sentence."""


def user_of(world: World, given: Given) -> User:
    """The user whose address is given. Raises KeyError, Refusal."""
    user = world.directory.by_address(str(given["address"]))
    if user is None:
        raise Refusal(f"There is no user {given['address']}.")
    return user


class WeatherControl:
    """One method per call, as in `Control`. Raises Refusal, KeyError and ValueError for a mistake of the caller."""

    def __init__(self, world: World, notifier: Notifier) -> None:
        self.world, self.notifier = world, notifier
        self.calls: dict[tuple[str, str], Callable[[Given], object]] = {
            ("POST", "lifecycle"): self.lifecycle,
            ("GET", "subscriptions"): self.get_subscriptions,
            ("POST", "subscriptions/expire"): self.expire_subscriptions,
            ("GET", "faults"): self.get_faults,
            ("PUT", "faults"): self.put_faults,
            ("DELETE", "faults"): lambda _: self.put_faults({}),
            ("POST", "faults/struck"): self.count_struck,
            ("GET", "habits"): lambda _: world.habits.as_json(),
            ("PUT", "habits"): self.put_habits,
            ("DELETE", "habits"): lambda _: self.put_habits({}),
            ("PUT", "answers"): self.put_answers,
            ("DELETE", "answers"): lambda _: self.put_answers({"answers": []}),
            ("GET", "stats"): lambda _: world.stats.as_json(world.faults.struck),
            ("DELETE", "stats"): self.delete_stats,
        }

    def lifecycle(self, given: Given) -> object:
        event = str(given["event"])
        if event not in _EVENTS:
            raise Refusal(f"event is one of {', '.join(_EVENTS)}.")
        chosen = self._chosen(given)
        return {
            "subscriptions": len(chosen),
            "sent": sum(self.notifier.lifecycle(subscription, event) for subscription in chosen),
        }

    def _chosen(self, given: Given) -> list[Subscription]:
        living = list(self.notifier.subscriptions.living(datetime.now(UTC)))
        if "subscription_id" in given:
            return [subscription for subscription in living if subscription.id == given["subscription_id"]]
        if "address" in given:
            user = user_of(self.world, given)
            return [subscription for subscription in living if subscription.user is user]
        return living

    def get_subscriptions(self, given: Given) -> object:
        return [
            {
                **subscription.as_json(with_state=True),
                "tenant_id": subscription.tenant_id,
                "address": subscription.user.address,
            }
            for subscription in self._chosen(given)
        ]

    def expire_subscriptions(self, given: Given) -> object:
        """Without a word, as Graph does."""
        chosen = self._chosen(given)
        for subscription in chosen:
            self.notifier.subscriptions.remove(subscription)
        return {"subscriptions": len(chosen)}

    def get_faults(self, _: Given) -> object:
        return self.world.faults.settings.as_json() | {"struck": dict(self.world.faults.struck)}

    def put_faults(self, given: Given) -> object:
        given.pop("struck", None)
        self.world.faults.put(Faults.from_json(given))
        return self.get_faults({})

    def count_struck(self, given: Given) -> object:
        """For the storage proxy: {fault: how often it struck since last told}."""
        self.world.faults.struck.update({name: int(str(count)) for name, count in given.items()})
        return dict(self.world.faults.struck)

    def put_answers(self, given: Given) -> object:
        """What sending is answered with next, in place of what was ordered before."""
        listed = given.get("answers")
        if not isinstance(listed, list):
            raise Refusal("answers is a list of objects of call, status, does, times, code and headers.")
        script = [ScriptedAnswer.from_json(answer) for answer in listed]
        self.world.script.answers = script
        return {"answers": len(script)}

    def put_habits(self, given: Given) -> object:
        self.world.renderer.habits = Habits.from_json(given)
        return self.world.habits.as_json()

    def delete_stats(self, _: Given) -> object:
        self.world.reset_stats()
        return {}
