#!/usr/bin/python3
"""Perceives and operates windows as a screen reader does, through the accessibility bus.

Takes one JSON command a line on standard input and answers each with one JSON line: {"ok": ...} or {"error": "..."}.
A command names what it wants as in {"do": "wait", "application": "latchkey-agent", "role": "push button", "name": "Sign"}.
"""

import json
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

LOOK_AGAIN = 0.05
# Deeper or wider than any window of ours: a tree without an end is a fault to report, not to follow.
DEEPEST = 60
MOST = 5000

elements = []
events = []


def let_events_in():
    context = GLib.MainContext.default()
    while context.iteration(False):
        pass


def states(element):
    return sorted(state.value_nick for state in element.get_state_set().get_states())


def describe(element):
    text = element.get_text_iface()
    return {
        "application": element.get_application().get_name() or "",
        "role": element.get_role_name(),
        "name": element.get_name() or "",
        "description": element.get_description() or "",
        "states": states(element),
        "labels": labels(element),
        "text": Atspi.Text.get_text(element, 0, -1) if text else None,
        "actions": [Atspi.Action.get_action_name(element, n) for n in range(count_actions(element))],
        "place": place(element),
    }


def labels(element):
    return [
        relation.get_target(n).get_name() or ""
        for relation in element.get_relation_set()
        if relation.get_relation_type() == Atspi.RelationType.LABELLED_BY
        for n in range(relation.get_n_targets())
    ]


def count_actions(element):
    return Atspi.Action.get_n_actions(element) if element.get_action_iface() else 0


def place(element):
    if not element.get_component_iface():
        return None
    box = Atspi.Component.get_extents(element, Atspi.CoordType.SCREEN)
    return {"x": box.x, "y": box.y, "width": box.width, "height": box.height}


def applications():
    desktop = Atspi.get_desktop(0)
    desktop.clear_cache()
    for number in range(desktop.get_child_count()):
        application = desktop.get_child_at_index(number)
        if application is not None:
            yield application


def walk(element, depth=0):
    """The element and everything in it, top down; what disappears meanwhile is passed over."""
    yield element, depth
    if depth >= DEEPEST:
        raise RuntimeError(f"a tree deeper than {DEEPEST}")
    try:
        element.clear_cache()
        children = [element.get_child_at_index(n) for n in range(element.get_child_count())]
    except GLib.Error:
        return
    for child in children:
        if child is not None:
            yield from walk(child, depth + 1)


def everything(application=None):
    count = 0
    for one in applications():
        try:
            if application and application not in (one.get_name() or ""):
                continue
        except GLib.Error:
            continue
        for element, depth in walk(one):
            count += 1
            if count > MOST:
                raise RuntimeError(f"more than {MOST} elements")
            yield element, depth


def matches(element, wanted):
    try:
        if "role" in wanted and element.get_role_name() != wanted["role"]:
            return False
        name = element.get_name() or ""
        if "name" in wanted and name != wanted["name"]:
            return False
        if "contains" in wanted and wanted["contains"] not in name + "\n" + contents(element):
            return False
        has = states(element)
        return all(state in has for state in wanted.get("states", []))
    except GLib.Error:
        return False


def contents(element):
    if not element.get_text_iface():
        return ""
    return Atspi.Text.get_text(element, 0, -1)


def find(wanted):
    for element, _ in everything(wanted.get("application")):
        if matches(element, wanted):
            return element
    return None


def wait(wanted):
    end = time.monotonic() + wanted["seconds"]
    while True:
        let_events_in()
        element = find(wanted)
        if element is not None:
            elements.append(element)
            return {"element": len(elements) - 1, **describe(element)}
        if time.monotonic() > end:
            raise RuntimeError(f"waited in vain for {wanted}; there are:\n" + tree(wanted))
        time.sleep(LOOK_AGAIN)


def wait_until_gone(wanted):
    end = time.monotonic() + wanted["seconds"]
    while find(wanted) is not None:
        if time.monotonic() > end:
            raise RuntimeError(f"{wanted} stays")
        let_events_in()
        time.sleep(LOOK_AGAIN)


def look(wanted):
    """Everything that matches now."""
    let_events_in()
    return [describe(element) for element, _ in everything(wanted.get("application")) if matches(element, wanted)]


def press(command):
    element = elements[command["element"]]
    for number in range(count_actions(element)):
        if Atspi.Action.get_action_name(element, number) in ("press", "click", "activate", "jump", "toggle"):
            Atspi.Action.do_action(element, number)
            return
    raise RuntimeError(f"{describe(element)} cannot be pressed")


def insert(command):
    element = elements[command["element"]]
    text = command["text"]
    position = Atspi.Text.get_character_count(element)
    for offset, character in enumerate(text):
        if not Atspi.EditableText.insert_text(element, position + offset, character, len(character.encode())):
            raise RuntimeError("takes no text")


def focus(command):
    if not Atspi.Component.grab_focus(elements[command["element"]]):
        raise RuntimeError("takes no focus")


def key(command):
    """A key pressed and released, whoever has the focus."""
    symbol = command["symbol"]
    held = sum(1 << modifier for modifier in command.get("holding", []))
    if held:
        Atspi.generate_keyboard_event(held, None, Atspi.KeySynthType.LOCKMODIFIERS)
    Atspi.generate_keyboard_event(symbol, None, Atspi.KeySynthType.SYM)
    if held:
        Atspi.generate_keyboard_event(held, None, Atspi.KeySynthType.UNLOCKMODIFIERS)


def click(command):
    Atspi.generate_mouse_event(command["x"], command["y"], "b1c")


def tree(command):
    lines = []
    for element, depth in everything(command.get("application")):
        try:
            about = describe(element)
        except GLib.Error:
            continue
        kept = ", ".join(state for state in about["states"] if state in ("focused", "active", "checked", "editable"))
        lines.append(f"{'  ' * depth}{about['role']} {about['name']!r} {about['text'] or ''!r} {kept}".rstrip())
    return "\n".join(lines)


def heard(event):
    data = event.any_data
    try:
        source, role = event.source.get_name() or "", event.source.get_role_name()
    except (AttributeError, GLib.Error):
        # Gone before anybody could ask.
        source, role = "", ""
    events.append({
        "type": event.type,
        "source": source,
        "role": role,
        "data": data if isinstance(data, str) else None,
        "detail": [event.detail1, event.detail2],
    })


def listen(command):
    listener = Atspi.EventListener.new(heard)
    listener.register(command["to"])
    elements.append(listener)


def take_events(_command):
    let_events_in()
    taken = events[:]
    events.clear()
    return taken


COMMANDS = {
    "wait": wait,
    "wait-until-gone": wait_until_gone,
    "look": look,
    "press": press,
    "insert": insert,
    "focus": focus,
    "key": key,
    "click": click,
    "tree": tree,
    "listen": listen,
    "take-events": take_events,
}


def main():
    Atspi.init()
    # A program that is just being started answers late.
    Atspi.set_timeout(10000, 30000)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"ok": COMMANDS[command["do"]](command)}
        except (RuntimeError, GLib.Error) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


main()
