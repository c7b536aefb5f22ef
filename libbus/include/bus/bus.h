// MessageBus: messages between programs on any hosts, as if they shared one.
//
//     bus::Connection bus;
//     bus.publish("plant7.temperature", "21.5");
//     auto alarms = bus.subscribe("plant7.**", {.durable = "alarms"});
//     for (bus::Delivery d : alarms) { work(d.message()); d.ack(); }
#pragma once

#include "bus/channel.h"
#include "bus/connection.h"
#include "bus/dead_letters.h"
#include "bus/deduplicator.h"
#include "bus/error.h"
#include "bus/message.h"
#include "bus/receipt.h"
#include "bus/request.h"
#include "bus/stream.h"
#include "bus/subscription.h"
