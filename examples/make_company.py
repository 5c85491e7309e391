#!/usr/bin/env python3
"""Write the example company: invented people, one review period, CSV files.

    python3 examples/make_company.py             write examples/company/
    python3 examples/make_company.py --summary   write, then print what is in it
    python3 examples/make_company.py --check     compare with what is on disk

Every person, team, system and address is invented.  The same script writes
the same bytes on every machine: all chance comes from random.Random.random()
(whose sequence Python keeps stable) through the helpers in class Chance, and
no function of the C mathematics library is used.
"""

import argparse
import csv
import datetime
import io
import pathlib
import random
import sys
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field

# ---------------------------------------------------------------------------
# What is made
# ---------------------------------------------------------------------------

SEED = "perfmgmt example company 1"
OUTPUT = pathlib.Path(__file__).resolve().parent / "company"

PEOPLE = 2400
FRONT_LINE_MIN, FRONT_LINE_MAX = 5, 12
DEEPEST_MANAGER = 7

PERIOD_FROM = datetime.date(2025, 10, 1)
PERIOD_TO = datetime.date(2026, 9, 30)
TOO_NEW_AFTER = datetime.date(2026, 6, 1)
FIRST_HIRE = datetime.date(2009, 3, 2)
LAST_HIRE = datetime.date(2026, 9, 28)

TOO_NEW_PEOPLE = 96         # hired after TOO_NEW_AFTER
RECENT_PEOPLE = 72          # hired in 2026, but early enough to be rated
LEFT_PEOPLE = 41            # left within the period
EMBEDDED_PEOPLE = 12        # report to the manager of a team next to their own
MISSING_ASSESSMENTS = 3     # the top, who has no manager, and two more

PRINCIPLES = 16
NOT_OBSERVED = 0.15
SENIOR_LEVELS = {"SDE III", "Principal", "Distinguished"}
SENIOR_WEIGHT = {1: 3, 8: 3}            # Customer Obsession and Think Big
RELATIONS = ["manager", "peer", "stakeholder", "direct_report", "self"]
RELATION_WEIGHT = {"manager": 3, "peer": 1, "stakeholder": 1,
                   "direct_report": 1}

COLUMNS = {
    "employees": ["external_id", "full_name", "email", "hired_on", "left_on",
                  "manager_external_id", "team", "parent_team", "level",
                  "location", "valid_from"],
    "principle_ratings": ["employee_external_id", "rater_external_id",
                          "relation", "scores", "comment"],
    "assessments": ["employee_external_id", "job_performance", "potential",
                    "assessed_by_external_id", "summary"],
    "accomplishments": ["employee_external_id", "claim", "link",
                        "period_from", "period_to",
                        "verified_by_external_id"],
}

# ---------------------------------------------------------------------------
# Distributions (tuned with --summary)
# ---------------------------------------------------------------------------

# Scores: MEAN + ABILITY * ability + leniency + principle + noise, rounded.
SCORE_MEAN = 3.91
SCORE_ABILITY = 0.46
SCORE_LENIENCY = 0.30
SCORE_PRINCIPLE = 0.30
SCORE_NOISE = 0.62
RELATION_SHIFT = {"manager": 0.05, "peer": 0.05, "stakeholder": -0.05,
                  "direct_report": 0.05, "self": 0.15}
# Some principles are scored lower everywhere (Frugality, Think Big, ...).
PRINCIPLE_SHIFT = [0.10, 0.15, -0.05, 0.0, 0.10, -0.10, 0.05, -0.20,
                   0.10, -0.25, 0.15, 0.10, -0.15, 0.15, 0.0, -0.05]

STRUGGLING = 0.042          # share of people who are in difficulty this year
STRUGGLING_ABILITY = -4.2

# A value is the number of cut points that (ability + noise) lies above.
PERFORMANCE_CUTS = [-4.6, -2.2, -0.47, 0.64]      # 1..5
PERFORMANCE_NOISE, PERFORMANCE_LENIENCY = 0.50, 0.25
POTENTIAL_CUTS = [-1.18, 0.10, 1.25]              # 1..4
POTENTIAL_ABILITY, POTENTIAL_NOISE = 0.60, 0.75

ENGINEER_LEVELS = [("SDE I", 0.31), ("SDE II", 0.46), ("SDE III", 0.20),
                   ("Principal", 0.03)]
# Years since hiring, by level: at least, and up to how many more.
TENURE = {"SDE I": (1.0, 3.5), "SDE II": (1.0, 7.5), "SDE III": (2.0, 10.5),
          "Principal": (2.5, 13.0), "Distinguished": (4.0, 13.3)}

# ---------------------------------------------------------------------------
# Teams: level 2 -> level 3 with about how many people, and what they build
# ---------------------------------------------------------------------------

TOP_TEAM = "ENG"
ORGANISATIONS = {
    "CORE": {
        "COMPUTE": (236, ["the scheduler", "the host agent", "the image store",
                          "the capacity planner", "the autoscaler"]),
        "STORAGE": (192, ["the block store", "the snapshot service",
                          "the backup path", "the metadata index"]),
        "NETWORK": (148, ["the load balancer", "the address service",
                          "the edge proxy", "the traffic shaper"]),
        "RUNTIME": (96, ["the job runner", "the configuration service",
                         "the secret store"]),
    },
    "DATA": {
        "STREAMS": (204, ["the event bus", "the ingest gateway",
                          "the replay tool", "the schema registry"]),
        "WAREHOUSE": (158, ["the nightly load", "the query router",
                            "the column store", "the reporting cube"]),
        "LEARNING": (126, ["the feature store", "the training queue",
                           "the ranking model"]),
    },
    "SHOP": {
        "CATALOGUE": (208, ["the item page", "the catalogue import",
                            "the picture service", "the price engine"]),
        "CHECKOUT": (184, ["the basket", "the payment gateway",
                           "the order ledger", "the refund flow"]),
        "SEARCH": (138, ["the search index", "the query parser",
                         "the suggestion box"]),
        "DELIVERY": (118, ["the route planner", "the parcel tracker",
                           "the warehouse terminal"]),
    },
    "TOOLS": {
        "BUILD": (108, ["the build farm", "the artefact cache",
                        "the release train"]),
        "OBSERVE": (74, ["the metrics pipeline", "the alert router",
                         "the log search"]),
        "QUALITY": (47, ["the load test bench", "the test selector"]),
    },
    "TRUST": {
        "IDENTITY": (128, ["the sign-in page", "the token service",
                           "the permission model"]),
        "SECURITY": (102, ["the key rotation", "the audit trail",
                           "the intrusion sensors"]),
        "PRIVACY": (44, ["the deletion pipeline", "the consent record"]),
    },
}
COMPANY_SYSTEMS = ["the yearly plan", "the operations review",
                   "the engineering handbook"]

# About how many people stand under one manager of this level.
TYPICAL_SIZE = {4: 64, 5: 31, 6: 17, 7: 10}
# Senior engineers who report straight to a manager of this level: at most.
DIRECT_ENGINEERS = {1: 3, 2: 2, 3: 2, 4: 2, 5: 2, 6: 1}

OFFICES = ["AUS", "BER", "BLR", "BOS", "CPT", "DUB", "GRU", "HYD", "SIN",
           "SYD", "WAW", "YVR"]
HOME_OFFICE = 0.62          # share of an organisation in its home office

# ---------------------------------------------------------------------------
# Names, by region: given names, family names
# ---------------------------------------------------------------------------

MIXED_NAMES = 0.30          # share with a family name from another region
NAMES = [
    ("Aarav Ananya Devika Farhan Gauri Ishaan Kavya Lakshmi Manoj Meera "
     "Nikhil Pooja Rahul Ritu Sanjana Tarun Uma Vikram Yash Zoya",
     "Agrawal Bhat Chaudhary Deshpande Ghosh Hegde Iyengar Joshi Kulkarni "
     "Mehta Menon Naidu Pillai Rao Reddy Saxena Shetty Trivedi Varma Yadav"),
    ("Akira Chihiro Daichi Emi Haruka Jiho Kaori Minjun Naoko Seoyeon "
     "Sora Takumi Yuna Yuto Hana Ren Mio Dongwook Eunji Kazuo",
     "Aoyama Baek Fujii Hayashi Inoue Jang Kinoshita Kwon Matsuda Nakajima "
     "Ogawa Oh Sakamoto Seo Shim Tachibana Uchida Yoon Yamane Hong"),
    ("Bowen Chunhua Fang Haoran Jiayi Linh Meilin Minh Ngoc Peng Qing Ruolan "
     "Shuang Thao Tuan Weijie Xinyi Yan Zhen Zihan",
     "Bui Cheng Dang Fan Gao Hsu Jiang Kong Lai Luo Mai Ngo Pan Qiu Shen "
     "Tong Truong Vo Xie Zhou"),
    ("Agnieszka Bartosz Dagmara Eliška Grzegorz Ilona Jakub Katarína Łukasz "
     "Małgorzata Mirela Ondřej Petra Radu Sorin Tereza Vesna Wojciech Zoltán "
     "Živa",
     "Bielecki Chmiel Dvořák Fekete Gajda Horváth Ionescu Jurić Kaczmarek "
     "Lis Marković Němec Olszewska Popa Ružička Sikora Szabó Urban Vlček "
     "Zawadzka"),
    ("Annika Björn Clara Dirk Élodie Freya Giulia Hanne Jens Karin Lorenzo "
     "Maud Niels Øyvind Pauline Søren Théo Ulrike Wim Yvonne",
     "Albrecht Bakker Caruso Dubois Eklund Ferrand Grønning Hofstede Jäger "
     "Kallio Lindqvist Moreau Nyström Ottosen Peeters Rinaldi Schäfer "
     "Tervo Vandamme Weißmann"),
    ("Adriana Beatriz Caio Eduarda Esteban Fernanda Inés Joaquín Lucía "
     "Marcelo Noelia Otávio Paloma Rafaela Santiago Thiago Valentina Ximena "
     "Yolanda Zulema",
     "Acosta Barreto Cardozo Duarte Espinoza Figueroa Gouveia Herrera "
     "Ibáñez Lacerda Montoya Nogueira Ocampo Peralta Quintana Rocha Sepúlveda "
     "Teixeira Urrutia Zamora"),
    ("Abena Amara Chidi Dalia Efua Farouk Gamal Ifeoma Jelani Karim Kwame "
     "Lamia Makena Nadia Olumide Rania Samir Tendai Yasmin Zanele",
     "Abara Adeyemi Bakari Benali Chukwu Dlamini El-Sayed Fofana Haddad "
     "Igwe Kamau Khumalo Mansour Mutasa Nasser Ndlovu Okafor Owusu Sesay "
     "Tahir"),
    ("Alice Brendan Caitlin Dylan Eleanor Fergus Gwen Hamish Isla Joel "
     "Keira Leah Malcolm Nora Owen Phoebe Rhys Siobhán Tessa Vaughn",
     "Ashdown Brennan Carmody Darby Ellery Farrow Gallagher Hollis Ingram "
     "Kerrigan Lockwood Marsden Norwood O'Dowd Pryce Ridley Sutcliffe "
     "Tolliver Underhill Whitcombe"),
]
NAMES = [(given.split(), family.split()) for given, family in NAMES]
PLAIN_LETTERS = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "'": ""})

# ---------------------------------------------------------------------------
# Sentences.  {s} is a system.  A sentence = one head + one tail.
# ---------------------------------------------------------------------------

PRAISE_HEADS = [
    "Found the memory leak in {s}",
    "Led the move of {s} to the new region",
    "Took over {s} when its owner was away",
    "Split the largest change to {s} into parts we could review",
    "Answered the page for {s} at three in the morning",
    "Wrote the design for {s}",
    "Removed four thousand lines from {s}",
    "Made the tests of {s} run in minutes rather than hours",
    "Brought our new colleagues into {s}",
    "Halved the error rate of {s}",
    "Measured {s} before changing anything",
    "Ran the review after the outage of {s}",
    "Asked the customers of {s} what they needed",
    "Turned a vague request about {s} into a plan",
    "Got two teams to agree on the interface of {s}",
    "Fixed the alert for {s} that everybody had learnt to ignore",
    "Rolled back {s} within minutes when the numbers looked wrong",
    "Kept {s} running through the peak week",
    "Saw early that {s} would run out of space",
    "Challenged the first plan for {s} with data",
    "Reviewed nearly every change to {s}",
    "Replaced the hand-written steps around {s} with one command",
]
PRAISE_TAILS = [
    ", and explained it so that all of us could follow.",
    ", without being asked twice.",
    ", and said early what would slip.",
    ", then wrote the runbook the same week.",
    ", and gave the credit to others.",
    ", and stayed calm when plans changed.",
    ", and I learnt a lot from watching.",
    ", and checked a month later that it still held.",
    ", and left it simpler than it was.",
    ", and kept everyone posted in plain words.",
    ", although the deadline was tight.",
    ", and listened to those who disagreed.",
    ", which saved my team days of work.",
    ", and it has not come back since.",
    ".",
]
GROWTH_HEADS = [
    "Could ask for help sooner",
    "I would like to hear more of the reasons",
    "Should write the decision down",
    "Tends to promise too much",
    "Could hand over more of the work",
    "Sometimes goes quiet for days",
    "Could let others finish speaking",
    "Should bring numbers, not impressions,",
    "Often polishes too long",
    "Could look beyond the own team",
    "Reviews come late",
    "The tests came as an afterthought",
]
GROWTH_TAILS = [
    " when {s} is under pressure.",
    " when the plan for {s} changes.",
    " before a release of {s}.",
    " in discussions about {s}.",
    " when two teams touch {s}.",
    " once {s} is in production.",
    " where {s} is concerned.",
    " if the work on {s} drags on.",
]
CONCERN_HEADS = [
    "The change to {s} was late three times",
    "The same fault in {s} came back twice",
    "Two requests from us about {s} went unanswered",
    "Merged to {s} although the review was still open",
    "The handover of {s} left out the hard parts",
    "Left the page for {s} unacknowledged",
    "Blamed another team for the outage of {s}",
    "The estimate for {s} was off by a quarter",
]
CONCERN_TAILS = [
    ", and we heard of it only at the end.",
    ", and others had to step in.",
    "; we talked about it, and it got a little better.",
    ", so I now check twice.",
    ". A short note early would have helped.",
    ", and the cause was never written down.",
    ". The intention was good, the follow-through was not.",
]
REPORT_HEADS = [
    "Makes time for me every week, even when {s} is on fire",
    "Told me honestly what my design for {s} lacked",
    "Gave me {s} to lead and then let me lead it",
    "Protected us from ever new requests about {s}",
    "Explained why we stopped the work on {s}",
    "Stood up for us in the review of {s}",
    "Asks good questions about {s} and waits for the answer",
]
REPORT_TAILS = [
    ".",
    ", and that is why I stayed.",
    ". I know where I stand.",
    ". I would like the same openness about priorities.",
    ", which I had not seen before.",
    ". More time for career talks would help.",
    ", and remembers what we agreed.",
]
SELF_HEADS = [
    "I am proud of the work on {s}",
    "I took more ownership of {s} this year",
    "I moved {s} off the old hosts",
    "I learnt to say no to extra work on {s}",
    "I mentored two colleagues on {s}",
    "I made the on-call week for {s} bearable",
    "I underestimated {s}",
    "I paid back old debts in {s}",
    "I wrote most of the design of {s}",
]
SELF_TAILS = [
    ", and I want to write more about it next year.",
    ", with much help from the team.",
    ". Next I want to work across teams.",
    ", although it took longer than planned.",
    ". I should have asked for feedback earlier.",
    ", and the numbers show it.",
    ". I still need to get better at estimates.",
]

SUMMARY_STRONG = [
    "You carried {s} through its hardest quarter, and the teams around you noticed.",
    "Your work on {s} changed how we build, well beyond your own team.",
    "When {s} failed in spring, you found the cause, led the repair and taught us from it.",
    "You finished the new version of {s} early and used the time to help two other teams.",
    "The design you wrote for {s} is now the one I hand to newcomers.",
    "You took {s} from an idea to something our customers use every day.",
    "You removed the main reason for night calls about {s}.",
    "You saw that we were solving the wrong problem in {s}, said so, and proved it.",
]
SUMMARY_STEADY = [
    "You delivered what we planned for {s}, in good quality and on time.",
    "You kept {s} healthy through a busy year and took your share of the on-call weeks.",
    "Your changes to {s} were small, well tested and easy to review.",
    "You learnt {s} quickly and now answer most questions about it yourself.",
    "You closed the gaps we listed for {s} last autumn, one after another.",
    "You were the person people turned to for {s} this year.",
    "Your part of the move of {s} went to plan, and the handover was clean.",
    "You made {s} measurable, so that we could argue about facts.",
]
SUMMARY_WEAK = [
    "The work on {s} took much longer than we agreed, and I often learnt of delays late.",
    "Several of your changes to {s} had to be rolled back this year.",
    "We agreed three goals for {s} in the winter, and one of them was reached.",
    "You had a difficult year with {s}, and others had to take over parts of it.",
    "The plan for {s} slipped twice, and the reasons were not clear to those who wait for it.",
    "You know {s} well, yet the follow-through after incidents was missing this year.",
]
SUMMARY_HOW_GOOD = [
    "Colleagues say that you listen first and then decide.",
    "People trust what you say because you check it.",
    "Other teams told me how easy it is to work with you.",
    "You disagree openly and then stand behind the decision.",
    "You write so that a reader without the background can follow.",
    "You share credit, and people like to work with you for that.",
    "Your reviews are kind and precise.",
    "You ask what the customer would say before you ask what the code needs.",
    "You go into the details yourself when something does not add up.",
    "You start with the small step that can be taken today.",
]
SUMMARY_HOW_MIXED = [
    "Some colleagues would like to hear from you earlier when plans change.",
    "In discussions, leave more room for those who think aloud.",
    "Your written updates were short; a paragraph more would save many questions.",
    "I would like you to ask for help on the second day and not in the second week.",
    "Stakeholders asked for clearer dates and fewer surprises.",
    "Reviews of other people's work sometimes waited for days.",
]
SUMMARY_NEXT = [
    "Next year I would like you to lead a piece of work that spans two teams.",
    "For the coming months let us make {s} your main subject.",
    "Please take one new colleague under your wing.",
    "Let us look for a chance to present your work outside the department.",
    "Let us agree on two goals, and talk about them every other week.",
    "I would like you to write the next design for {s} yourself.",
    "Keep an evening free of pages; the team is large enough to share them.",
    "Let us plan time for the course on capacity that you asked about.",
    "Please hand over a part of {s}, so that you can take on something new.",
]

CLAIMS = [
    "Cut the response time of {s} from {a} ms to {b} ms at the 99th percentile",
    "Moved {s} to the new hosts without an interruption",
    "Lowered the yearly cost of {s} by {b} percent",
    "Brought the number of night pages for {s} from {a} to {b} a quarter",
    "Wrote and taught the course on {s} to {b} colleagues",
    "Raised the test coverage of {s} by {b} points",
    "Led the review after the outage of {s} and closed all {b} actions",
    "Designed the second version of {s}, now used by {b} teams",
    "Removed {a} unused settings from {s}",
    "Shortened the release of {s} from {a} to {b} minutes",
]


# ---------------------------------------------------------------------------
# Chance
# ---------------------------------------------------------------------------

class Chance:
    """A stream of chance that depends on SEED and its own name alone."""

    def __init__(self, name):
        self.random = random.Random(f"{SEED}/{name}").random

    def whole(self, low, high):
        """A whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def yes(self, share):
        """True in that share of the calls."""
        return self.random() < share

    def pick(self, items):
        """One of the items."""
        return items[int(self.random() * len(items))]

    def sample(self, items, count):
        """Up to count different items, in random order."""
        pool = list(items)
        count = min(count, len(pool))
        for i in range(count):
            j = self.whole(i, len(pool) - 1)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:count]

    def shuffled(self, items):
        """All items in random order."""
        items = list(items)
        return self.sample(items, len(items))

    def normal(self):
        """Near enough to normal(0, 1): twelve uniform numbers."""
        return sum(self.random() for _ in range(12)) - 6.0

    def weighted(self, pairs):
        """One key of (key, share) pairs whose shares add up to 1."""
        at = self.random()
        for key, share in pairs:
            at -= share
            if at < 0:
                return key
        return pairs[-1][0]

    def day(self, first, last):
        """A working day from first to last (may step back to a Friday)."""
        day = first + datetime.timedelta(self.whole(0, (last - first).days))
        back = max(0, day.weekday() - 4)
        moved = day - datetime.timedelta(back)
        return moved if moved >= first else day


# ---------------------------------------------------------------------------
# People and teams
# ---------------------------------------------------------------------------

@dataclass
class Team:
    """A node of the team tree."""
    code: str
    parent: "Team" = None
    systems: list = field(default_factory=list)
    office: str = ""
    depth: int = 1

    def above(self, depth):
        """The team of that depth on the way to the top, or None."""
        team = self
        while team is not None and team.depth > depth:
            team = team.parent
        return team if team is not None and team.depth == depth else None


@dataclass(eq=False)
class Person:
    """One employee; manages is the team they lead, or None."""
    manager: "Person"
    team: Team
    depth: int
    manages: Team = None
    level: str = ""
    reports: list = field(default_factory=list)
    external_id: str = ""
    full_name: str = ""
    email: str = ""
    location: str = ""
    hired_on: datetime.date = None
    left_on: datetime.date = None
    valid_from: datetime.date = None
    ability: float = 0.0
    leniency: float = 0.0
    system: str = ""

    def rated(self):
        """True if employed through the period and not too new."""
        return self.left_on is None and self.hired_on <= TOO_NEW_AFTER


def largest_remainder(seats, weights):
    """Share out seats in proportion to weights; ties to the earlier one."""
    total = sum(weights)
    shares = [seats * w / total for w in weights]
    seated = [int(s) for s in shares]
    order = sorted(range(len(weights)),
                   key=lambda i: (seated[i] - shares[i], i))
    for i in order[:seats - sum(seated)]:
        seated[i] += 1
    return seated


def uneven_parts(chance, total, count, low, high):
    """Split total into count parts between low and high, of uneven size."""
    for _ in range(200):
        weights = [0.6 + 0.9 * chance.random() for _ in range(count)]
        parts = largest_remainder(total, weights)
        if min(parts) >= low and max(parts) <= high:
            return parts
    return largest_remainder(total, [1] * count)


class Tree:
    """Builds the reporting line and the team tree, top down."""

    def __init__(self):
        self.chance = Chance("tree")
        self.people = []
        self.teams = []

    def add_team(self, code, parent, systems, office):
        """A new team under parent."""
        depth = parent.depth + 1 if parent else 1
        team = Team(code, parent, systems, office, depth)
        self.teams.append(team)
        return team

    def add_person(self, manager, team, manages=None):
        """A new person in team who reports to manager."""
        depth = manager.depth + 1 if manager else 1
        person = Person(manager, team, depth, manages)
        if manager:
            manager.reports.append(person)
        self.people.append(person)
        return person

    def add_manager(self, boss, code, systems, office):
        """A manager who is a member of the boss's team and leads a new one."""
        parent = boss.manages
        return self.add_person(boss, parent,
                               self.add_team(code, parent, systems, office))

    def add_engineers(self, manager, count):
        """Engineers who report to manager and are members of that team."""
        for _ in range(count):
            self.add_person(manager, manager.manages)

    def direct_engineers(self, manager, people):
        """Some senior engineers straight under a manager; how many."""
        most = DIRECT_ENGINEERS[manager.depth]
        count = self.chance.whole(0, most) if people >= 20 else 0
        self.add_engineers(manager, count)
        return count

    def fill(self, manager, people):
        """Put that many people under manager, in teams and teams of teams."""
        if people <= FRONT_LINE_MAX:
            self.add_engineers(manager, people)
            return
        people -= self.direct_engineers(manager, people)
        depth = manager.depth + 1
        count = max(2, int(people / TYPICAL_SIZE[depth] + 0.5))
        most = people
        if depth == DEEPEST_MANAGER:
            most = FRONT_LINE_MAX + 1
            count = max(count, -(-people // most))
        parts = uneven_parts(self.chance, people, count,
                             FRONT_LINE_MIN + 1, most)
        for number, part in enumerate(parts, 1):
            self.fill(self.sub_manager(manager, number), part - 1)

    def sub_manager(self, boss, number):
        """The manager of the boss's team with that number."""
        team = boss.manages
        systems = team.systems
        if boss.depth == 3:
            # an organisation of level 4 builds one or two systems
            at = number % len(systems)
            systems = [systems[at - 1], systems[at]]
        mark = "-" if boss.depth == 3 else "."
        office = team.office if self.chance.yes(0.7) \
            else self.chance.pick(OFFICES)
        return self.add_manager(boss, f"{team.code}{mark}{number}", systems,
                                office)

    def build(self):
        """The whole company; returns its people, the top first."""
        top_team = self.add_team(TOP_TEAM, None, COMPANY_SYSTEMS, OFFICES[0])
        top = self.add_person(None, top_team, top_team)
        self.add_engineers(top, DIRECT_ENGINEERS[1])
        vice = {}
        for code, parts in ORGANISATIONS.items():
            systems = [s for _, names in parts.values() for s in names]
            vice[code] = self.add_manager(top, code, systems,
                                          self.chance.pick(OFFICES))
            self.direct_engineers(vice[code], 100)
        heads = [(vice[code], f"{code}-{name}", size, systems)
                 for code, parts in ORGANISATIONS.items()
                 for name, (size, systems) in parts.items()]
        sizes = largest_remainder(PEOPLE - len(self.people),
                                  [size for _, _, size, _ in heads])
        for (boss, code, _, systems), size in zip(heads, sizes):
            head = self.add_manager(boss, code, systems,
                                    self.chance.pick(OFFICES))
            self.fill(head, size - 1)
        assert len(self.people) == PEOPLE
        return self.people


def manager_level(chance, depth, front_line):
    """The job level of a manager."""
    if depth <= 2:
        return "Distinguished"
    if front_line:
        return "Principal" if chance.yes(0.15) else "SDE III"
    if depth == 3:
        return "Distinguished" if chance.yes(0.5) else "Principal"
    return "SDE III" if depth >= 6 and chance.yes(0.6) else "Principal"


def direct_level(chance, depth):
    """The job level of an engineer who reports to a manager of managers."""
    if depth <= 3:
        return "Distinguished"
    return "SDE III" if depth >= 6 and chance.yes(0.5) else "Principal"


def set_levels(people):
    """A job level for everybody."""
    chance = Chance("levels")
    for person in people:
        if person.manages:
            front_line = not any(r.manages for r in person.reports)
            person.level = manager_level(chance, person.depth, front_line)
        elif any(p.manages for p in person.manager.reports):
            person.level = direct_level(chance, person.depth)
        else:
            person.level = chance.weighted(ENGINEER_LEVELS)


def year_back(years):
    """The day that many years before the period."""
    return PERIOD_FROM - datetime.timedelta(int(years * 365.25))


def set_dates(people):
    """When people were hired, left and came to their present place."""
    chance = Chance("dates")
    for person in people:
        least, more = TENURE[person.level]
        least = least if not person.manages else max(least, 2.5)
        if person.depth <= 3 and person.manages:
            least, more = 6.0, 10.0
        at = year_back(least - 1.0 + more * chance.random() ** 1.4)
        person.hired_on = max(
            FIRST_HIRE, chance.day(at - datetime.timedelta(6), at))
    set_newcomers_and_leavers(chance, people)
    for person in people:
        person.valid_from = assignment_start(chance, person)


def set_newcomers_and_leavers(chance, people):
    """Who is too new, who is recent, who left: engineers only."""
    front = [p for p in people if not p.manages and p.level != "Distinguished"]
    junior = chance.shuffled(p for p in front if p.level in ("SDE I", "SDE II"))
    for person in junior[:TOO_NEW_PEOPLE]:
        person.hired_on = chance.day(
            TOO_NEW_AFTER + datetime.timedelta(1), LAST_HIRE)
    rest = junior[TOO_NEW_PEOPLE:]
    for person in rest[:RECENT_PEOPLE]:
        person.hired_on = chance.day(datetime.date(2026, 1, 2),
                                     TOO_NEW_AFTER)
    settled = [p for p in front if p.hired_on < PERIOD_FROM]
    for person in chance.sample(settled, LEFT_PEOPLE):
        person.left_on = chance.day(datetime.date(2025, 10, 6),
                                    datetime.date(2026, 9, 25))


def assignment_start(chance, person):
    """The day hired, or a later first of a month; never before the manager."""
    earliest = person.hired_on
    if person.manager:
        earliest = max(earliest, person.manager.hired_on)
    last = year_back(0) if chance.yes(0.9) else datetime.date(2026, 4, 1)
    if person.left_on:
        last = PERIOD_FROM
    if chance.yes(0.5) or earliest >= last:
        return earliest
    day = earliest + datetime.timedelta(
        int((last - earliest).days * chance.random()))
    return max(earliest, day.replace(day=1))


def plain(text):
    """Lower-case ASCII letters for an address."""
    text = unicodedata.normalize("NFKD", text.lower().translate(PLAIN_LETTERS))
    return text.encode("ascii", "ignore").decode()


def set_names(people):
    """External ids in random order, names, addresses, offices."""
    chance = Chance("names")
    numbers = chance.shuffled(range(1, len(people) + 1))
    taken = Counter()
    for person, number in zip(people, numbers):
        person.external_id = f"E{number:05d}"
        given, family = chance.pick(NAMES)
        if chance.yes(MIXED_NAMES):
            family = chance.pick(NAMES)[1]
        given, family = chance.pick(given), chance.pick(family)
        person.full_name = f"{given} {family}"
        address = f"{plain(given)}.{plain(family)}"
        taken[address] += 1
        if taken[address] > 1:
            address += f"+{taken[address]}"
        person.email = f"{address}@example.com"
        home = (person.manages or person.team).office
        person.location = home if chance.yes(HOME_OFFICE) \
            else chance.pick(OFFICES)


def set_latent(people):
    """What nobody sees: ability, leniency, and what each person works on."""
    chance = Chance("latent")
    for person in people:
        person.ability = chance.normal()
        if not person.manages and chance.yes(STRUGGLING):
            person.ability = STRUGGLING_ABILITY + 0.5 * chance.normal()
        if person.manages or person.level in SENIOR_LEVELS:
            person.ability = max(person.ability, -2.0)
        person.leniency = chance.normal()
        person.system = chance.pick((person.manages or person.team).systems)


def embed_some(people):
    """A few engineers report to the manager of the team next to their own."""
    chance = Chance("embedded")
    candidates = [p for p in people if p.depth >= 7 and not p.manages
                  and len(p.manager.reports) > FRONT_LINE_MIN
                  and p.rated() and p.hired_on.year < 2026]
    moved = 0
    for person in chance.shuffled(candidates):
        boss = person.manager
        others = [m for m in boss.manager.reports
                  if m.manages and m is not boss
                  and all(not r.manages for r in m.reports)
                  and len(m.reports) < FRONT_LINE_MAX]
        if moved == EMBEDDED_PEOPLE:
            break
        if not others or len(boss.reports) <= FRONT_LINE_MIN:
            continue
        other = chance.pick(others)
        boss.reports.remove(person)
        other.reports.append(person)
        person.manager = other
        person.valid_from = max(person.valid_from, other.hired_on,
                                datetime.date(2025, 7, 1))
        moved += 1
    assert moved == EMBEDDED_PEOPLE


def make_people():
    """Everybody, in the order of the tree."""
    people = Tree().build()
    set_levels(people)
    set_dates(people)
    set_names(people)
    set_latent(people)
    embed_some(people)
    return people


# ---------------------------------------------------------------------------
# Ratings
# ---------------------------------------------------------------------------

@dataclass
class Rating:
    """What one rater says about one person."""
    subject: Person
    rater: Person
    relation: str
    scores: dict
    comment: str = ""

    def mean(self):
        """The plain mean of the scores."""
        return sum(self.scores.values()) / len(self.scores)


def near(person):
    """Rated colleagues of the team and of the teams next to it."""
    found = [p for p in person.manager.reports if p is not person]
    boss = person.manager.manager
    if boss and len(found) < 10:
        found += [p for m in boss.reports if m is not person.manager
                  for p in m.reports if p.depth == person.depth]
    return [p for p in found
            if p.rated() and p is not person and bool(p.manages)
            == bool(person.manages)]


class Raters:
    """Chooses who rates whom."""

    def __init__(self, people):
        self.chance = Chance("raters")
        self.rated = [p for p in people if p.rated()]

    def strangers(self, person, count, taken):
        """Stakeholders: people of another team, near the person's depth."""
        found = []
        while len(found) < count:
            other = self.chance.pick(self.rated)
            if (other not in taken and other not in found
                    and other.team is not person.team
                    and other.manager is not person.manager
                    and other is not person.manager
                    and other.manager is not person
                    and abs(other.depth - person.depth) <= 2):
                found.append(other)
        return found

    def counts(self, person):
        """How many peers, stakeholders and direct reports are asked."""
        chance = self.chance
        if chance.yes(0.04):
            return chance.whole(0, 2), chance.whole(0, 1), chance.whole(0, 1)
        if person.manages:
            return chance.whole(1, 3), chance.whole(1, 2), chance.whole(2, 4)
        return chance.whole(3, 5), chance.whole(1, 4), 0

    def of(self, person):
        """(relation, rater) pairs of one person."""
        chance = self.chance
        peers, strangers, reports = self.counts(person)
        found = []
        if person.manager:
            found.append(("manager", person.manager))
            chosen = chance.sample(near(person), peers)
            found += [("peer", p) for p in chosen]
        taken = {rater for _, rater in found}
        below = [p for p in person.reports if p.rated()]
        found += [("direct_report", p)
                  for p in chance.sample(below, reports)]
        found += [("stakeholder", p)
                  for p in self.strangers(person, strangers, taken)]
        if chance.yes(0.92):
            found.append(("self", person))
        return found


def clamp(value, low, high):
    """value, kept within low..high."""
    return max(low, min(high, value))


def make_scores(chance, person, rater, relation, strengths):
    """Scores of the principles this rater observed."""
    base = (SCORE_MEAN + SCORE_ABILITY * person.ability
            + SCORE_LENIENCY * rater.leniency + RELATION_SHIFT[relation])
    scores = {}
    for ordinal in range(1, PRINCIPLES + 1):
        if chance.yes(NOT_OBSERVED):
            continue
        value = (base + PRINCIPLE_SHIFT[ordinal - 1] + strengths[ordinal - 1]
                 + SCORE_NOISE * chance.normal())
        scores[ordinal] = clamp(int(value + 0.5), 1, 5)
    return scores or {15: 3}


def sentence(chance, heads, tails, system):
    """A head and a tail about a system."""
    text = chance.pick(heads) + chance.pick(tails)
    return text.replace("{s}", system)


def make_comment(chance, rating):
    """A sentence or two that fit the scores."""
    system = rating.subject.system
    if not chance.yes(0.75):
        system = chance.pick((rating.subject.manages
                              or rating.subject.team).systems)
    if rating.relation == "self":
        return sentence(chance, SELF_HEADS, SELF_TAILS, system)
    if rating.mean() < 2.9:
        return sentence(chance, CONCERN_HEADS, CONCERN_TAILS, system)
    if rating.relation == "direct_report" and chance.yes(0.7):
        return sentence(chance, REPORT_HEADS, REPORT_TAILS, system)
    if rating.mean() < 3.5 and chance.yes(0.5):
        return sentence(chance, GROWTH_HEADS, GROWTH_TAILS, system)
    text = sentence(chance, PRAISE_HEADS, PRAISE_TAILS, system)
    if chance.yes(0.25 if rating.mean() < 4.3 else 0.08):
        text += " " + sentence(chance, GROWTH_HEADS, GROWTH_TAILS, system)
    return text


def make_ratings(people):
    """All ratings, by subject, then relation, then rater."""
    raters = Raters(people)
    chance = Chance("scores")
    words = Chance("comments")
    ratings = []
    for person in people:
        if not person.rated():
            continue
        strengths = [SCORE_PRINCIPLE * chance.normal()
                     for _ in range(PRINCIPLES)]
        for relation, rater in raters.of(person):
            scores = make_scores(chance, person, rater, relation, strengths)
            rating = Rating(person, rater, relation, scores)
            if words.yes(0.60):
                rating.comment = make_comment(words, rating)
            ratings.append(rating)
    return sorted(ratings, key=lambda r: (r.subject.external_id,
                                          RELATIONS.index(r.relation),
                                          r.rater.external_id))


# ---------------------------------------------------------------------------
# Assessments and accomplishments
# ---------------------------------------------------------------------------

@dataclass
class Assessment:
    """What the manager says: job performance and potential."""
    subject: Person
    job_performance: int
    potential: int
    summary: str


def cut(value, cuts):
    """1 + the number of cut points below value."""
    return 1 + sum(value >= at for at in cuts)


def make_summary(chance, person, performance):
    """Two or three sentences from the manager to the employee."""
    if performance >= 5 or (performance == 4 and chance.yes(0.4)):
        what = SUMMARY_STRONG
    elif performance >= 3:
        what = SUMMARY_STEADY
    else:
        what = SUMMARY_WEAK
    good = person.ability + chance.normal() > -0.3
    parts = [chance.pick(what),
             chance.pick(SUMMARY_HOW_GOOD if good else SUMMARY_HOW_MIXED)]
    if performance <= 2 or chance.yes(0.5):
        parts.append(chance.pick(SUMMARY_NEXT))
    return " ".join(parts).replace("{s}", person.system)


def make_assessments(people):
    """One per rated person with a manager, but for the missing few."""
    chance = Chance("assessments")
    rated = sorted((p for p in people if p.rated() and p.manager),
                   key=lambda p: p.external_id)
    engineers = [p for p in rated if not p.manages]
    missing = chance.sample(engineers, MISSING_ASSESSMENTS - 1)
    found = []
    for person in rated:
        performance = cut(person.ability
                          + PERFORMANCE_NOISE * chance.normal()
                          + PERFORMANCE_LENIENCY * person.manager.leniency,
                          PERFORMANCE_CUTS)
        potential = cut(POTENTIAL_ABILITY * person.ability
                        + POTENTIAL_NOISE * chance.normal(), POTENTIAL_CUTS)
        summary = make_summary(chance, person, performance)
        if person not in missing:
            found.append(Assessment(person, performance, potential, summary))
    return found


def make_claim(chance, system):
    """A claim with numbers that go down."""
    smaller = chance.whole(4, 30)
    larger = smaller + chance.whole(5, 90)
    return (chance.pick(CLAIMS).replace("{s}", system)
            .replace("{a}", str(larger)).replace("{b}", str(smaller)))


def accomplishment_row(chance, person, number):
    """One row; about one in six is not verified yet."""
    start = chance.day(PERIOD_FROM, datetime.date(2026, 6, 30))
    start = max(start, person.hired_on)
    end = chance.day(start + datetime.timedelta(14),
                     min(PERIOD_TO, start + datetime.timedelta(90)))
    verifier = person.manager
    if chance.yes(0.3):
        verifier = chance.pick(near(person) or [person.manager])
    verified = "" if chance.yes(0.17) else verifier.external_id
    system = chance.pick((person.manages or person.team).systems)
    link = f"https://example.com/projects/{person.external_id.lower()}/{number}"
    return [person.external_id, make_claim(chance, system), link,
            start, end, verified]


def accomplishment_rows(people):
    """One to three for about half of the rated people."""
    chance = Chance("accomplishments")
    rows = []
    for person in sorted(people, key=lambda p: p.external_id):
        if person.rated() and person.manager and chance.yes(0.5):
            for number in range(1, chance.whole(1, 3) + 1):
                rows.append(accomplishment_row(chance, person, number))
    return rows


# ---------------------------------------------------------------------------
# Rows of the files
# ---------------------------------------------------------------------------

def employee_row(person):
    """One row of employees.csv."""
    parent = person.team.parent
    return [person.external_id, person.full_name, person.email,
            person.hired_on, person.left_on or "",
            person.manager.external_id if person.manager else "",
            person.team.code, parent.code if parent else "", person.level,
            person.location, person.valid_from]


def rating_row(rating):
    """One row of principle_ratings.csv."""
    scores = ";".join(f"{o}={s}" for o, s in sorted(rating.scores.items()))
    return [rating.subject.external_id, rating.rater.external_id,
            rating.relation, scores, rating.comment]


def assessment_row(assessment):
    """One row of assessments.csv."""
    person = assessment.subject
    return [person.external_id, assessment.job_performance,
            assessment.potential, person.manager.external_id,
            assessment.summary]


def csv_bytes(name, rows):
    """A header and the rows as RFC 4180 text with LF, UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS[name])
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


# ---------------------------------------------------------------------------
# The broken files: one reason a row, explained in README.md
# ---------------------------------------------------------------------------

BYTE_ORDER_MARK = "\ufeff"


def first(people, wanted):
    """The first person, by external id, for whom wanted is true."""
    return min((p for p in people if wanted(p)), key=lambda p: p.external_id)


def new_employee(number, manager, **changes):
    """A good row of a new employee, with the changes given by column."""
    row = dict(zip(COLUMNS["employees"], [
        f"E9{number:04d}", f"Broken Row {number}",
        f"broken.row{number}@example.com", "2026-07-01", "",
        manager.external_id, manager.manages.code,
        manager.manages.parent.code, "SDE I", "BER", "2026-07-01"]))
    row.update(changes)
    return list(row.values())


def broken_employee_rows(people):
    """Rows for broken/employees.csv, to be loaded after the company."""
    boss = first(people, lambda p: p.manages and p.depth == 6)
    left = first(people, lambda p: p.left_on
                 and p.left_on < datetime.date(2026, 6, 1))
    again = employee_row(boss)
    return [
        new_employee(1, boss),
        new_employee(2, boss, level="SDE II"),
        again,
        new_employee(4, boss, external_id=""),
        new_employee(5, boss, external_id="E90002"),
        new_employee(6, boss, manager_external_id="E99999"),
        new_employee(7, boss, manager_external_id="E90008"),
        new_employee(8, boss, manager_external_id="E90009"),
        new_employee(9, boss, manager_external_id="E90007"),
        new_employee(10, boss, manager_external_id="E90010"),
        new_employee(11, boss, manager_external_id=""),
        new_employee(12, boss, manager_external_id=left.external_id),
        new_employee(13, boss, left_on="2026-06-30"),
        new_employee(14, boss, valid_from="2026-06-01"),
        new_employee(15, boss, hired_on="2026-02-30"),
        new_employee(16, boss, hired_on="01/07/2026"),
        new_employee(17, boss, level="SDE IX"),
        new_employee(18, boss, level=""),
        new_employee(19, boss, team="NOWHERE-1", parent_team="NOWHERE"),
        new_employee(20, boss, team="", parent_team=""),
        new_employee(21, boss, external_id=" E90021 ", level="SDE I  "),
        new_employee(22, boss, team="\t" + boss.manages.code),
        new_employee(23, boss, external_id=BYTE_ORDER_MARK + "E90023"),
        new_employee(24, boss),
    ]


def broken_rating_rows(people, ratings):
    """Rows for broken/principle_ratings.csv."""
    good = [r for r in ratings if r.relation == "peer"][:4]
    subject, rater = good[0].subject.external_id, good[0].rater.external_id
    new = first(people, lambda p: p.hired_on > TOO_NEW_AFTER).external_id
    left = first(people, lambda p: p.left_on).external_id
    asked = {r.rater.external_id for r in ratings
             if r.subject is good[0].subject}
    fresh = iter(sorted(p.external_id for p in people if p.rated()
                        and p.external_id not in asked | {subject}))
    rate_themselves = {r.subject for r in ratings if r.relation == "self"}
    modest = first(people, lambda p: p.rated()
                   and p not in rate_themselves).external_id

    def row(**changes):
        """A good new row about the subject, with the changes by column."""
        values = dict(zip(COLUMNS["principle_ratings"],
                          [subject, next(fresh), "stakeholder",
                           "1=4;2=4;15=3", ""]))
        values.update(changes)
        return list(values.values())

    return [rating_row(r) for r in good] + [
        row(employee_external_id=""),
        row(employee_external_id="E99999"),
        row(rater_external_id=""),
        row(rater_external_id="E99999"),
        row(relation="friend"),
        row(relation=""),
        row(scores="1=4;17=3"),
        row(scores="0=4;2=4"),
        row(scores="Frugality=4"),
        row(scores="1=6;2=4"),
        row(scores="1=0;2=4"),
        row(scores="1=4;2=good"),
        row(scores="1=4.5"),
        row(scores="1=4;1=5"),
        row(employee_external_id=modest, rater_external_id=modest,
            relation="peer"),
        row(relation="self"),
        row(employee_external_id=new),
        row(employee_external_id=left),
        row(rater_external_id=rater, relation="peer", scores="1=5;2=5"),
        row(rater_external_id=rater, relation="stakeholder"),
        row(employee_external_id=f" {subject}", relation="stakeholder "),
        row(employee_external_id=BYTE_ORDER_MARK + subject),
    ]


def broken_assessment_rows(people, assessments):
    """Rows for broken/assessments.csv."""
    good = assessments[:14]
    new = first(people, lambda p: p.hired_on > TOO_NEW_AFTER)
    left = first(people, lambda p: p.left_on)

    def row(number, **changes):
        """A good row, with the changes by column."""
        values = dict(zip(COLUMNS["assessments"],
                          assessment_row(good[number])))
        values.update(changes)
        return list(values.values())

    return [
        row(0), row(1), row(2),
        row(0, employee_external_id=""),
        row(0, employee_external_id="E99999"),
        row(3, job_performance="6"),
        row(4, job_performance="0"),
        row(5, job_performance="strong"),
        row(6, job_performance="3.5"),
        row(7, potential="5"),
        row(8, potential="0"),
        row(9, potential="-1"),
        row(10, assessed_by_external_id="E99999"),
        row(11, assessed_by_external_id=good[11].subject.external_id),
        row(0, employee_external_id=new.external_id,
            assessed_by_external_id=new.manager.external_id),
        row(0, employee_external_id=left.external_id,
            assessed_by_external_id=left.manager.external_id),
        row(2, job_performance="2"),
        row(12, employee_external_id=f" {good[12].subject.external_id} ",
            job_performance=f" {good[12].job_performance}"),
        row(13, employee_external_id=BYTE_ORDER_MARK
            + good[13].subject.external_id),
        row(13, assessed_by_external_id=""),
    ]


def broken_file_rows(people):
    """The two files that are broken as files, not as rows."""
    boss = first(people, lambda p: p.manages and p.depth == 6)
    wide = [new_employee(31, boss), new_employee(32, boss) + ["surplus"],
            new_employee(33, boss)]
    marked = [new_employee(41, boss), new_employee(42, boss)]
    return wide, marked


# ---------------------------------------------------------------------------
# All files
# ---------------------------------------------------------------------------

@dataclass
class Company:
    """Everything the script makes."""
    people: list
    ratings: list
    assessments: list
    accomplishments: list


def make_company():
    """Make everything; nothing is written."""
    people = make_people()
    return Company(people, make_ratings(people), make_assessments(people),
                   accomplishment_rows(people))


def make_files(company):
    """File name -> bytes."""
    people = sorted(company.people, key=lambda p: p.external_id)
    wide, marked = broken_file_rows(people)
    return {
        "employees.csv": csv_bytes(
            "employees", map(employee_row, people)),
        "principle_ratings.csv": csv_bytes(
            "principle_ratings", map(rating_row, company.ratings)),
        "assessments.csv": csv_bytes(
            "assessments", map(assessment_row, company.assessments)),
        "accomplishments.csv": csv_bytes(
            "accomplishments", company.accomplishments),
        "broken/employees.csv": csv_bytes(
            "employees", broken_employee_rows(people)),
        "broken/principle_ratings.csv": csv_bytes(
            "principle_ratings", broken_rating_rows(people, company.ratings)),
        "broken/assessments.csv": csv_bytes(
            "assessments",
            broken_assessment_rows(people, company.assessments)),
        "broken/employees_too_many_columns.csv": csv_bytes("employees", wide),
        "broken/employees_byte_order_mark.csv":
            BYTE_ORDER_MARK.encode("utf-8") + csv_bytes("employees", marked),
    }


def write_files(files):
    """Write them under OUTPUT."""
    for name, content in files.items():
        path = OUTPUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def check_files(files):
    """Compare with OUTPUT; returns the names that differ or are not ours."""
    wrong = [name for name, content in files.items()
             if not (OUTPUT / name).is_file()
             or (OUTPUT / name).read_bytes() != content]
    present = {p.relative_to(OUTPUT).as_posix()
               for p in OUTPUT.rglob("*.csv")}
    return sorted(wrong + list(present - set(files)))


# ---------------------------------------------------------------------------
# What the extension should find: the default policy's arithmetic
# ---------------------------------------------------------------------------

TIERS = ["LE", "HV1", "HV2", "HV3", "TT"]
TARGETS = {"TT": 20, "HV3": 15, "HV2": 25, "HV1": 35, "LE": 5}
MATRIX = {7: "HV3 TT TT TT", 6: "HV2 HV3 TT TT", 5: "HV1 HV2 HV3 HV3",
          4: "HV1 HV1 HV2 HV3", 3: "LE LE HV1 HV1", 2: "LE LE LE LE",
          1: "LE LE LE LE"}
ROLE_MODEL_FROM, SOLID_FROM = 45000, 25000
ROLE_MODEL_CAP = 5          # percent of a pool
POOL_MINIMUM = 50
POOL_DEPTH = 4


@dataclass
class Value:
    """The axes of one person and what follows from them."""
    person: Person
    job_performance: int
    potential: int
    points: int
    lp_tier: int = 0

    def settle(self):
        """LP tier from the points."""
        self.lp_tier = ((self.points >= SOLID_FROM)
                        + (self.points >= ROLE_MODEL_FROM) - 1)

    def tier(self):
        """The tier of the matrix."""
        band = self.job_performance + self.lp_tier + 1
        return MATRIX[band].split()[self.potential - 1]

    def ov_points(self):
        """10,000 a tier and the composite."""
        n = (50 * (self.job_performance - 1) * 30000
             + 30 * (self.points - 10000) * 3
             + 20 * (self.potential - 1) * 40000)
        return 10000 * TIERS.index(self.tier()) + 9999 * n // 12000000


def lp_points(level, ratings):
    """Weighted mean of the scores times 10,000, half up; None without any."""
    total = weights = 0
    for rating in ratings:
        if rating.relation == "self":
            continue
        for ordinal, score in rating.scores.items():
            weight = RELATION_WEIGHT[rating.relation]
            if level in SENIOR_LEVELS:
                weight *= SENIOR_WEIGHT.get(ordinal, 1)
            total += weight * score
            weights += weight
    return (20000 * total + weights) // (2 * weights) if weights else None


def make_values(company):
    """A Value for everybody who has all three axes, before the cap."""
    about = defaultdict(list)
    for rating in company.ratings:
        about[rating.subject.external_id].append(rating)
    values = []
    for a in company.assessments:
        points = lp_points(a.subject.level, about[a.subject.external_id])
        value = Value(a.subject, a.job_performance, a.potential, points)
        value.settle()
        values.append(value)
    return values


def pools(people):
    """Team code of the pool -> its people; small groups roll up."""
    groups = {}
    for person in people:
        if person.rated():
            team = person.team
            while team.depth > POOL_DEPTH:
                team = team.parent
            groups.setdefault(team.code, (team, []))[1].append(person)
    for depth in range(POOL_DEPTH, 1, -1):
        for code, (team, members) in sorted(groups.items()):
            if team.depth == depth and len(members) < POOL_MINIMUM:
                del groups[code]
                above = groups.setdefault(team.parent.code, (team.parent, []))
                above[1].extend(members)
    return {code: members for code, (_, members) in sorted(groups.items())}


def apply_cap(values):
    """Role models above the cap of one pool become solid strength."""
    seats = ROLE_MODEL_CAP * len(values) // 100
    ordered = sorted((v.points for v in values), reverse=True)
    line = ordered[seats]
    for value in values:
        if value.points <= line:
            value.lp_tier = min(value.lp_tier, 0)


def quota_tiers(values):
    """(value, tier by quota) of one pool, best first, largest remainder."""
    names = list(TARGETS)
    seats = largest_remainder(len(values), [TARGETS[n] for n in names])
    order = sorted(values, key=lambda v: (-v.ov_points(), -v.points,
                                          v.person.external_id))
    labels = [name for name, count in zip(names, seats)
              for _ in range(count)]
    return list(zip(order, labels))


def relation_counts(company, person):
    """relation -> number of raters of one person."""
    return Counter(r.relation for r in company.ratings if r.subject is person)


def is_demo_person(company, value, quota):
    """Proposed HV3, below it by quota, enough peers, few stakeholders."""
    person = value.person
    if (value.tier(), quota) != ("HV3", "HV2") or person.manages:
        return False
    if person.level not in ("SDE II", "SDE III") or person.depth < 7:
        return False
    count = relation_counts(company, person)
    claims = sum(row[0] == person.external_id
                 for row in company.accomplishments)
    comments = sum(bool(r.comment) and r.relation == "peer"
                   for r in company.ratings if r.subject is person)
    return (count["peer"] >= 3 and count["stakeholder"] == 2
            and count["self"] == 1 and claims >= 2 and comments >= 3)


# ---------------------------------------------------------------------------
# --summary
# ---------------------------------------------------------------------------

def shares(counter, keys):
    """'key 12 (3.4 %)' for each key."""
    total = sum(counter.values())
    return ", ".join(f"{k} {counter[k]} ({100 * counter[k] / total:.1f} %)"
                     for k in keys)


def span(numbers):
    """'smallest..largest, mean'."""
    return (f"{min(numbers)}..{max(numbers)}, "
            f"mean {sum(numbers) / len(numbers):.1f}")


def subtree_sizes(people, depth):
    """Sizes of the teams of that depth with all the teams below."""
    found = Counter()
    for person in people:
        team = person.team.above(depth)
        if team:
            found[team.code] += 1
    return sorted(found.values())


def print_people(company):
    """Numbers about people and teams."""
    people = company.people
    managers = [p for p in people if p.manages]
    front = [p for p in managers if not any(r.manages for r in p.reports)]
    print(f"people {len(people)}, managers {len(managers)}, "
          f"front-line {len(front)}")
    print("managers by level of management:",
          dict(sorted(Counter(p.depth for p in managers).items())))
    print("front-line managers by level:",
          dict(sorted(Counter(p.depth for p in front).items())))
    print("front-line team size:", span([len(p.reports) for p in front]))
    print("direct reports of other managers:",
          span([len(p.reports) for p in managers if p not in front]))
    for depth in (2, 3, 4):
        print(f"organisations of level {depth}:",
              *subtree_sizes(people, depth))
    print("levels:", shares(Counter(p.level for p in people), TENURE))
    print("rated", sum(p.rated() for p in people),
          "too new", sum(p.hired_on > TOO_NEW_AFTER for p in people),
          "left", sum(p.left_on is not None for p in people),
          "assigned later than hired",
          sum(p.valid_from > p.hired_on for p in people))
    print("different names", len({p.full_name for p in people}),
          "- report outside their team:",
          sum(p.manager is not None and p.team is not p.manager.manages
              for p in people))


def print_ratings(company):
    """Numbers about ratings and texts."""
    by_relation = Counter(r.relation for r in company.ratings)
    print("ratings:", len(company.ratings), shares(by_relation, RELATIONS))
    others = Counter(r.subject for r in company.ratings
                     if r.relation not in ("self", "manager"))
    rated = [p for p in company.people if p.rated()]
    few = sum(others[p] < 4 for p in rated)
    print("other raters a person:", span([others[p] for p in rated]),
          "- fewer than four:", few, f"({100 * few / len(rated):.1f} %)")
    comments = [r.comment for r in company.ratings if r.comment]
    print("comments", len(comments), "different", len(set(comments)))
    print("assessments", len(company.assessments), "different summaries",
          len({a.summary for a in company.assessments}))
    print("accomplishments", len(company.accomplishments))


def print_values(company):
    """Tiers before the cap, then after cap and quota; the demo person."""
    values = make_values(company)
    for axis, keys in (("job_performance", range(1, 6)),
                       ("potential", range(1, 5))):
        print(f"{axis}:", shares(Counter(getattr(v, axis) for v in values),
                                 keys))
    print("LP tier before the cap (-1 development needed, 1 role model):",
          shares(Counter(v.lp_tier for v in values), (-1, 0, 1)))
    print("proposed before the cap:",
          shares(Counter(v.tier() for v in values), TARGETS))
    by_pool = by_pool_values(company, values)
    for members in by_pool.values():
        apply_cap(members)
    print("proposed after the cap: ",
          shares(Counter(v.tier() for v in values), TARGETS))
    print("pools:", ", ".join(f"{code} {len(m)}"
                              for code, m in by_pool.items()))
    print_quota(company, by_pool)


def by_pool_values(company, values):
    """Pool code -> the values of its people."""
    found = {}
    value_of = {v.person: v for v in values}
    for code, members in pools(company.people).items():
        found[code] = [value_of[p] for p in members if p in value_of]
    return found


def print_quota(company, by_pool):
    """How far the forced distribution moves people; demo candidates."""
    moves, candidates = Counter(), []
    for code, members in by_pool.items():
        if len(members) < POOL_MINIMUM - MISSING_ASSESSMENTS:
            print("too small for quotas, nothing above:", code, len(members))
            continue
        for place, (value, quota) in enumerate(quota_tiers(members), 1):
            moves[TIERS.index(quota) - TIERS.index(value.tier())] += 1
            if is_demo_person(company, value, quota):
                candidates.append((code, place, len(members), value))
    print("steps by quota alone:", shares(moves, sorted(moves)))
    for code, place, size, value in candidates[:20]:
        count = relation_counts(company, value.person)
        print("demo candidate", value.person.external_id,
              value.person.full_name, f"{code} {place}/{size}",
              f"job {value.job_performance} lp {value.points}",
              f"pot {value.potential} ov {value.ov_points()}", dict(count))


# ---------------------------------------------------------------------------
# Command line
# ---------------------------------------------------------------------------

def main():
    """Write, summarise or check."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--summary", action="store_true",
                        help="print what is in the files")
    parser.add_argument("--check", action="store_true",
                        help="write nothing, fail if a file differs")
    options = parser.parse_args()
    company = make_company()
    files = make_files(company)
    if options.check:
        wrong = check_files(files)
        for name in wrong:
            print(f"differs: {name}", file=sys.stderr)
        return 1 if wrong else 0
    write_files(files)
    if options.summary:
        print_people(company)
        print_ratings(company)
        print_values(company)
        for name, content in files.items():
            print(f"{name}: {len(content)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
