#!/usr/bin/python3
"""Normalizer and Canonical Data Model: weather stations of three makers say the same in three ways.

Each reading comes as its station sends it, with a Format Indicator: the header content-type. The
normalizer picks the Message Translator for it and publishes one form for all, JSON in degrees
Celsius, so that consumers know one format and a fourth maker costs one more translator here.

Plain ZeroMQ, without libbus: see plain_bus.py.
"""

import json

from plain_bus import Session


def from_csv(text):
    station, celsius = text.split(";")
    return {"station": station, "celsius": float(celsius)}


def from_json(text):
    reading = json.loads(text)
    return {"station": reading["name"], "celsius": round((reading["fahrenheit"] - 32) / 1.8, 1)}


def from_pairs(text):
    reading = dict(pair.split("=") for pair in text.split())
    return {"station": reading["id"], "celsius": int(reading["millikelvin"]) / 1000 - 273}


TRANSLATORS = {"text/csv": from_csv, "application/json": from_json, "text/x-pairs": from_pairs}


def normalize(bus, raw):
    translate = TRANSLATORS[raw.headers["content-type"]]
    reading = translate(raw.payload.decode())
    bus.publish(f"weather.{reading['station']}", json.dumps(reading).encode(),
                {"content-type": "application/json"})
    bus.ack(raw)  # publish returned: the translation is safe


def main():
    with Session() as stations:
        for content_type, reading in (("text/csv", "oslo;-3.5"),
                                      ("application/json", '{"name": "lima", "fahrenheit": 68}'),
                                      ("text/x-pairs", "id=bern millikelvin=283000")):
            stations.send("weather.raw", reading.encode(), {"content-type": content_type})

    with Session() as display, Session() as normalizer:
        display.consume("weather.*", kind="topic")
        normalizer.consume("weather.raw")
        for _ in range(3):
            normalize(normalizer, normalizer.next())
            shown = display.next()
            print(shown.payload.decode())
            display.ack(shown)


if __name__ == "__main__":
    main()
