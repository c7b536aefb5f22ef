"""A flow of numbered messages from an app on one host to an app on another: two agents, a link,
one producer and one consumer, any of which may be killed and started again."""

from agent import pair
from apps import Book, Consumer, Producer, check_accounts, keep_address, wait_until_settled


class Flow:
    """Use as a context manager. `from_dialler`: the producer's agent is the one that dials."""

    def __init__(self, case, kind="topic", from_dialler=True, producer_options=(), journals=None):
        self.case = case
        self.kind = kind
        self.channel = "plant7.readings" if kind == "topic" else "jobs"
        self.producer_options = producer_options
        self.book = Book()
        listener, dialler = pair()
        self.listener, self.dialler = listener, dialler
        self.near, self.far = (dialler, listener) if from_dialler else (listener, dialler)
        for agent in (listener, dialler):
            agent.settings["journal"]["max_bytes"] = "2GiB"
            agent.settings["journal"].update((journals or {}).get(agent.name, {}))
            # However busy the host, what waits for a consumer is not beyond its share.
            agent.settings["channels"] = {
                "**": {"max_message": "1GiB"},
                "plant7.**": {"kind": "topic", "lapse": {"waiting": "2GiB"}}}
            agent.write_config()
        self.producer = self.consumer = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in (self.producer, self.consumer):
            if program:
                program.kill()
        for agent in (self.near, self.far):
            agent.__exit__()

    def start(self):
        """Agents, link and consumer; the producer's agent knows of the consumer."""
        self.listener.start()
        keep_address(self.listener)
        self.dialler.add_peer(self.listener.name, self.listener.public_key, self.listener.address)
        self.dialler.start()
        self.start_consumer()
        self.consumer.wait_for_word("ready")
        self.near.wait_for_status(lambda status: any(
            link["interest"] > 0 for link in status["links"]))
        return self

    def start_producer(self, *more):
        self.producer = Producer(self.book, self.near.runtime, self.kind, self.channel,
                                 *self.producer_options, *more)

    def start_consumer(self):
        durable = ("--durable", "all") if self.kind == "topic" else ()
        self.consumer = Consumer(self.book, self.far.runtime, self.kind, self.channel, *durable)

    def wait_for_link(self):
        self.near.wait_for_link(self.far.name)
        self.far.wait_for_link(self.near.name)

    def wait_for_more(self, messages):
        """So many more have come through."""
        goal = self.book.got + messages
        self.book.wait_for(lambda: self.book.got >= goal, f"{messages} more messages")

    def wait_for_more_safe(self, messages):
        """So many more have receipts."""
        goal = self.book.safe + messages
        self.book.wait_for(lambda: self.book.safe >= goal, f"{messages} more receipts")

    def finish(self, settled=True):
        """Lets everything come through, and checks that G1 to G5 held. `settled`: the agents must
        come to owe nothing."""
        self.producer.stop()
        self.account(settled)

    def account(self, settled=True):
        self.book.wait_for_all()
        if settled:
            wait_until_settled(self.case, self.near, self.far)
        else:
            check_accounts(self.case, self.near)
            check_accounts(self.case, self.far)
        self.consumer.stop()
        self.check()

    def check(self):
        self.case.assertEqual(self.book.lost(), [], "G1: lost")
        self.case.assertEqual(self.book.complaints, [], str(self.book))
