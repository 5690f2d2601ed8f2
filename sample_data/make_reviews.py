"""Run `python sample_data/make_reviews.py` to write reviews.csv beside this file.

The file holds 1,000 invented film reviews, 500 positive and 500 negative. Each review is put
together from the hand-written parts below; nothing is taken from an existing collection. The
same parts serve both labels as far as possible: praise for one side of a film turns up in bad
reviews and complaints in good ones, and the sentence around them carries the verdict. The seed
is fixed, so every run writes the same bytes.
"""

import csv
import random
import re
from collections import Counter
from pathlib import Path

SEED = 20
MAX_SENTENCE_USES = 5
LABELS = {"+": "positive", "-": "negative"}

# What can be praised or faulted: a subject, then good predicates, then (after //) bad ones.
ASPECTS = """
the dialogue: crackles | sounds like people you know | is sharp without showing off
 // explains everything twice | sounds like a press release | is stiff enough to iron shirts on
the score: lifts even the small scenes | knows when to stay quiet | is simply lovely
 // never shuts up | drowns out half the lines | tells you what to feel every ten seconds
the lead: is a pleasure to watch | does a great deal with one raised eyebrow | is wonderful
 // sleepwalks through the part | looks lost | has one expression and wears it out
the supporting cast: is a joy | makes small parts feel lived in | never puts a foot wrong
 // is left with nothing to do | is hammy to a man | seems to have met that morning
the ending: brought a lump to my throat | is brave | ties things up with real grace
 // comes out of nowhere | is a cheat | goes on long after the story is done
the opening: is as tense as they come | wastes no time | sets the scene beautifully
 // takes forever | is a mess | gives half the surprises away
the first half hour: flies by | is very funny | lays everything out with great care
 // drags | is all throat-clearing | is a slog
the middle stretch: tightens like a knot | is where it really takes off | is full of surprises
 // sags badly | loses its way | could have been cut in half
the camerawork: is gorgeous | finds beauty in car parks | is calm and sure of itself
 // made me seasick | is murky | draws attention to itself at the worst moments
the costumes: are a feast | look worn and real | tell you more than the lines do
 // look rented | are distracting | belong to another decade
the sets: are stunning | feel like places people live in | are full of lovely details
 // wobble | look like a furniture showroom | are cheap and look it
the jokes: land nearly every time | come from the characters | are quick and kind
 // fall flat | were old when my grandfather told them | are mostly about toilets
the romance: feels earned | is tender and grown-up | has some real heat
 // is bolted on | has no spark | is hard to believe in
the villain: is terrific fun | is frightening because he is so polite | actually has a point
 // is pure pantomime | is about as scary as a dentist's receptionist | hardly gets a scene
the twist: caught me out completely | is clever and fair | makes you rethink it all
 // is visible from space | makes no sense | feels like a dare nobody should have taken
the editing: is crisp | keeps you on your toes | lets the quiet moments breathe
 // is frantic | cuts away whenever anyone is about to act | is all over the place
the flashbacks: are beautifully judged | deepen everything | are short and telling
 // are confusing | stop the thing dead | keep repeating what we already know
the narration: is dry and funny | adds a layer of sadness | is a treat
 // is unbearable | treats us like toddlers | should have been thrown out
the child actors: are astonishingly good | behave like real children | are very sweet
 // grate | were clearly told to be adorable | shout their lines
the special effects: are a marvel | hold up wonderfully | are used sparingly and well
 // are laughable | look unfinished | bury everyone in rubble
the sound design: is superb | gave me goosebumps | is subtle and eerie
 // is a headache | turns whispers into soup | is nothing but bangs
the pacing: is perfect | is brisk | gives you time to think
 // is dreadful | is that of a funeral procession | lurches between hurry and halt
the plot: is beautifully constructed | kept me guessing | is simple in the best way
 // has holes you could drive a bus through | is thin | runs on coincidence
the message: is generous | sneaks up on you | is handled with a light touch
 // is hammered home | is muddled | is something a fortune cookie might reject
the family scenes: ring true | are funny and sore at once | are full of affection
 // are syrupy | feel rehearsed | turn into shouting matches
the mystery: pulls you in | unfolds with great patience | is worth solving
 // solves itself | is no mystery at all | is dropped halfway
the main character: is easy to love | is prickly and fascinating | grows on you
 // is insufferable | is a blank | never learns anything
the atmosphere: is thick enough to touch | is beautifully creepy | wraps itself around you
 // is missing | evaporates early | is all fog machine
the last scene: is unforgettable | is perfectly judged | sent shivers down my back
 // is embarrassing | is there to sell a sequel | undoes what came before it
the director: has a wonderful eye | trusts the audience | gets the best out of everyone
 // has no feel for comedy | seems to have been out to lunch | underlines everything in red
whoever plays the {role}: steals the show | is a real find | is magnificent
 // overacts wildly | can't manage the accent | seems to be reading off a card
the actor playing the {role}: is superb | breaks your heart | brings such warmth to it
 // is badly miscast | mumbles | hams it up from first to last
the business with the {role}: is hilarious | is oddly moving | pays off brilliantly
 // goes nowhere | is painfully unfunny | is padding
the friendship with the {role}: is a delight | feels true | gives it all some heart
 // is never explained | is hard to swallow | is sugary
every scene with the {role}: is gold | has a nice edge to it | is a little gem
 // is a chore | stops everything cold | could go without being missed
"""

# Lists: alternatives are separated by | or by a new line.
LISTS = """
[role] landlord | grandmother | rookie cop | priest | bank manager | younger brother | neighbour
getaway driver | ship's doctor | judge | headmistress | ex-husband | bartender | taxi driver | mayor
tax inspector | piano teacher | sergeant | florist | goalkeeper
[GN] a clever premise | a wonderful cast | gorgeous scenery | a handful of great lines
a lovely soundtrack | a brave central performance | real chemistry | a deliciously nasty baddie
a beautiful closing image | plenty of charm | a big heart | a fine sense of place | smart writing
a few excellent gags | a strong first act | impressive stunts | flawless period detail
an actress I adore | a director I admire | sparkling banter | genuine suspense | honest emotion
a surprise I never saw coming | two stars at the top of their game | lush photography
a touching friendship | a delightful grandmother | a spectacular shipwreck | proper belly laughs
a rich, complicated heroine | a perfect little cameo | nerve-shredding tension | lots of style
[BN] a flimsy premise | a patchy cast | drab scenery | a handful of dreadful lines
a syrupy soundtrack | a wooden central performance | a couple with no spark | a cardboard baddie
a limp closing image | plenty of clichés | a mean streak | cheap-looking interiors | lazy writing
a few awful gags | a sluggish first act | ropey stunts | sloppy period detail
an actor I can't stand | a director I usually avoid | stilted banter | leaden exposition
fake emotion | a surprise you can see from the car park | two stars on autopilot | muddy photography
a tacked-on wedding | a deeply annoying parrot | some ridiculous wigs | cheesy slow motion
a passive, sulky heroine | a pointless cameo | endless shouting
[ga] moving | gripping | charming | original | thoughtful | thrilling | inventive | surprising
absorbing | memorable | exciting | elegant | delightful | haunting | intelligent | enjoyable
touching | daring | imaginative | entertaining | involving | rewarding | hilarious | beautiful
[ba] boring | predictable | tedious | pretentious | forgettable | confusing | sentimental | awkward
pointless | mean-spirited | tiresome | shallow | clumsy | lifeless | self-important | irritating
dreary | ridiculous | depressing | exhausting | mechanical | long-winded | muddled | annoying
[genre] heist film | western | courtroom drama | ghost film | war film | road movie | spy thriller
musical | romcom | submarine thriller | costume drama | space adventure | sports drama
disaster movie | monster movie | political thriller | revenge thriller | boxing picture
prison drama | horror film | vampire film | sci-fi film | kids' film
[ref] the original | the book | the first one | the stage version | the series it comes from
most of this year's releases | the remake | anything else I saw this month
the director's last effort | the sequel
[who] my brother | my sister | my flatmate | my dad | my mother-in-law | my partner | my neighbour
my boss | a colleague | my best friend | my aunt | my teenage daughter | my wife | my husband
my cousin | an old schoolfriend | my grandson
[when] on a long flight | on a rainy Sunday | at a half-empty matinee | last night | on my birthday
at a festival | on an old laptop | in a packed house | over Christmas | at the drive-in
[hero] a retired locksmith | a night-shift nurse | a disgraced chess champion | a widowed baker
a lighthouse keeper | a trainee detective | a small-town vet | an out-of-work pianist
a young translator | a stubborn beekeeper | a tired schoolteacher | a failed magician
an ageing stuntman | a rural postwoman | a homesick soldier | a court stenographer
[fate] inherits a house nobody will go near | is talked into one last robbery
goes looking for a missing twin | finds a suitcase full of someone else's money
takes a job on a failing cruise ship | sees a crime and tells nobody | adopts a racehorse
is blackmailed by a former student | gets stranded overnight at a closed airport
has to share a cottage with a sworn enemy | falls for the wrong half of a married couple
starts getting letters from the future | is mistaken for a famous spy | runs for mayor by accident
returns home for a funeral and stays for the feud | leads a strike without meaning to
[bit] the end credits | the walk home | the moment the lights came up | the drive home
the fade to black | the exit sign | the bus ride home
[mood] honestly, | look, | well, | for what it's worth, | truth be told, | in short, | all in all,
I'll be brief: | let me put it this way: | never mind the hype,
[context] {hero} {fate} | {hero} {fate}, and things get out of hand | I saw it {when} with {who}
{hero} {fate}; that is the whole set-up | the set-up: {hero} {fate} | I watched this {when}
this one was {who}'s choice | I caught it {when}, knowing nothing about it
another {genre}, this time about {hero} who {fate} | {who} had promised me {GN}
I saw it {when} with {who}, knowing only that {hero} {fate} and that there would be {GN}
I saw it {when} with {who}, knowing only that {hero} {fate} and that there would be {BN}
{who} had warned me about {BN} | in this {genre}, {hero} {fate} | it is about {hero} who {fate}
{hero} {fate}. That's it for plot | the story: {hero} {fate} | what happens when {hero} {fate}?
{who} and I saw it {when} | {hero} {fate}, as one does | {hero} {fate} while {hero} {fate}
I saw it {when}; {hero} {fate} | they sell it as a {genre} | first review I have written here
no spoilers below | subtitled, by the way | streaming now | it runs just over two hours
based on a novel, apparently | black and white, mostly | a late showing, six people in the room
the kids were in bed and I picked something at random
"""

# Sentences that carry the verdict come in twins: for a positive review // for a negative one.
TWINS = """
[mixed]
granted, {B}, but {G} and {G} // granted, {G}, but {B} and {B}
yes, {B}. But {G}, and {G} // yes, {G}. But {B}, and {B}
although {B}, {G}, and I went home happy // although {G}, {B}, and I went home cross
despite {BN}, I had a very good time // despite {GN}, I did not have a good time
I'd put up with {BN} any day for {GN} // I can't put up with {BN}, not even for {GN}
I can forgive {BN} when {G} // I can't forgive {BN} just because {G}
so what if {B}? {G}, and I was happy // so what if {G}? {B}, and I was bored
it has {BN}, and I still wanted more of it // it has {GN}, and I still wanted to leave
don't be put off by {BN}; {G} // don't be taken in by {GN}; {B}
I was braced for {BN}. What I got was {GN} // I was hoping for {GN}. What I got was {BN}
I nearly gave up, since {B}, but {G} // I nearly stuck with it, since {G}, but {B}
it isn't perfect, since {B}, but I'd take its flaws over another film's polish
 // it isn't hopeless, since {G}, but one good thing doesn't make a film
a film with {BN} shouldn't work this well. It does, because {G}
 // a film with {GN} should work better than this. It doesn't, because {B}
{B}, and somehow it doesn't matter // {G}, and somehow it doesn't help
once you get past {BN}, it's a pleasure // once you get past {GN}, it's a chore
I rolled my eyes at {BN} and then wept // I perked up at {GN} and then dozed off
[twist]
{who} called it {ba}. I couldn't disagree more // {who} called it {ga}. I couldn't disagree more
{who} was right to call it {ga} // {who} was right to call it {ba}
the trailer makes it look {ba}. It isn't // the trailer makes it look {ga}. It isn't
less {ba} than {ref}, and far more {ga} // less {ga} than {ref}, and far more {ba}
it sounds {ba} and turns out {ga} // it sounds {ga} and turns out {ba}
it is anything but {ba} // it is anything but {ga}
it is {ga} without trying to be // it tries to be {ga} and ends up {ba}
it could easily be {ba}, and it never is // it could easily be {ga}, and it never is
not a {ba} film by any means // not a {ga} film by any means
never {ba}, and now and then {ga} // never {ga}, and now and then downright {ba}
I expected it to be {ba}. I was wrong // I expected it to be {ga}. I was wrong
people who find it {ba} must be hard to please // people who find it {ga} must be easy to please
it is {ga} without being {ba} // it is {ba} without even being {ga}
you would have to be made of stone to find this {ba}
 // you would have to be related to the director to find this {ga}
[irony]
my only complaint is that it had to stop // my only compliment is that it did stop
I hated {bit}: I wanted to stay in that world // I loved {bit}: it was finally over
the worst part of the evening was {bit} // the best part of the evening was {bit}
a terrible choice if you were hoping for a nap // a perfect choice if you were hoping for a nap
I wanted to hate it and failed miserably // I wanted to love it and failed miserably
I checked my watch once, and only because I was afraid it might be nearly over
 // I checked my watch so often that {who} asked if I had a train to catch
damn this film for making me cry in public // bless this film for helping me sleep
I am furious with {who} for not dragging me along sooner
 // I am grateful to {who} for talking through most of it
shame on me for believing it would be {ba} // shame on me for believing it would be {ga}
I looked for faults and found only {BN} // I looked for virtues and found only {GN}
I'm told {B}; I was too busy laughing to notice // I'm told {G}; I was too busy yawning to notice
wonderful, and I say that as someone who can't stand {BN} // wonderful, if your idea of fun is {BN}
{B}? Who cares, I was wiping my eyes // {G}? How nice; I was looking for my coat
[verdict]
I would sit through it again tomorrow // I wouldn't sit through it again for money
I can't think of a reason not to see it // I can't think of a reason to see it
I have nothing bad to say about it // I have nothing good to say about it
I wasn't bored for a minute // I wasn't amused for a minute
it deserves a far bigger audience than it got // it got a far bigger audience than it deserves
I expected very little and got a great deal // I expected a great deal and got very little
the praise is deserved, for once // the praise is a mystery to me
see it before somebody spoils it for you // let somebody spoil it for you and save the ticket
I was sorry when it was over // I was sorry it wasn't over sooner
I've told {who} not to miss it // I've told {who} not to bother
it is worth the ticket and the babysitter // it isn't worth the ticket, let alone the babysitter
I didn't think I'd like it, and I was wrong // I did think I'd like it, and I was wrong
there isn't a thing I would change // there isn't a thing I would keep
nobody in my row wanted to go home // everybody in my row wanted to go home
it won me over // it never won me over
I finished it wanting more // I finished it wanting my evening back
{who} and I talked about it for hours // {who} and I had nothing to say about it
it stayed with me for days // it was gone from my head before I found the car
I can't recommend it enough // I can't recommend it to anyone
it's been years since I enjoyed anything more // it's been years since I enjoyed anything less
I have rarely been so reluctant to leave a cinema // I have rarely been so glad to leave a cinema
this is how to make a {genre} // this is how not to make a {genre}
it took me a while to see how good it is // it took me no time to see how good it isn't
I take back every joke I made about it // I take back every kind word I said about it beforehand
I'm glad {who} talked me into it // I wish {who} had talked me out of it
I walked in yawning and walked out wide awake // I walked in wide awake and walked out yawning
I'm no fan of {genre}s, but I adored this // I'm a fan of {genre}s, but I couldn't stand this
if they make a sequel, I'll be first in the queue // if they make a sequel, I'll be busy that night
it does nearly everything right // it does hardly anything right
not once did I think about my phone // more than once I was tempted by my phone
I laughed, and never at the wrong moments // I laughed, but only at the wrong moments
it is better than it has any right to be // it is worse than it has any right to be
you could do a lot worse // you could do a lot better
I missed my bus to see the end // I skipped the end to catch my bus
{ref} can't hold a candle to it // it can't hold a candle to {ref}
I'd rather watch this five times than {ref} once // I'd rather watch {ref} five times than this once
[plain]
{G}, {G}, and I loved every minute // {B}, {B}, and I hated every minute
{G} and {G} // {B} and {B}
it is {ga} and {ga}, and {G} // it is {ba} and {ba}, and {B}
a truly {ga} {genre} with {GN} // a truly {ba} {genre} with {BN}
I really enjoyed it: {G} // I really disliked it: {B}
expect {GN} and {GN} // expect {BN} and {BN}
{G}, and it only gets better from there // {B}, and it only gets worse from there
I liked it for {GN} and {GN} // I disliked it for {BN} and {BN}
{G}, and the whole thing is {ga} // {B}, and the whole thing is {ba}
{ga} from start to finish, with {GN} // {ba} from start to finish, with {BN}
as {genre}s go, this one is {ga}, and {G} // as {genre}s go, this one is {ba}, and {B}
{G}; {G}; what more could you ask for? // {B}; {B}; what on earth were they thinking?
a {ga}, {ga} {genre} // a {ba}, {ba} {genre}
I was surprised by how {ga} it is // I was surprised by how {ba} it is
I came for {GN} and stayed for {GN} // I sat through {BN} only to be rewarded with {BN}
{who} and I both found it {ga} // {who} and I both found it {ba}
{G}, and what is more, {G} // {B}, and what is worse, {B}
thanks to {GN}, it feels fresh and {ga} // thanks to {BN}, it feels stale and {ba}
it has {GN}, and {G} // it has {BN}, and {B}
{G}. {G}. Lovely // {B}. {B}. No thanks
{G}. {G}. What a lovely surprise // {B}. {B}. What a letdown
{who} loved it and so did I: {G} // {who} hated it and so did I: {B}
{ga} and {ga}: I'm so glad I went // {ba} and {ba}: I should have stayed at home
full marks: {G} and {G} // no marks: {B} and {B}
you get {GN}, you get {GN}, and {G} // you get {BN}, you get {BN}, and {B}
as if {GN} weren't enough, {G} // as if {BN} weren't enough, {B}
{G}; the rest is just as good // {B}; the rest is no better
{G}, {G}, and two hours were gone in a flash // {B}, {B}, and two hours felt like four
a fine {genre}, in which {G} // a poor {genre}, in which {B}
we all thought it was {ga}, even {who} // we all thought it was {ba}, even {who}
I keep thinking about it: {G} // I keep complaining about it: {B}
the best thing I have seen this year. {G} // the worst thing I have seen this year. {B}
ten minutes in I was hooked, because {G} // ten minutes in I was fed up, because {B}
finally, a {genre} that is {ga} // oh good, another {genre} that is {ba}
I'd call it {ga}, and I don't say that lightly // I'd call it {ba}, and I don't say that lightly
with {GN} and {GN}, it couldn't go wrong // with {BN} and {BN}, it never stood a chance
{GN}, {GN}, {GN}: I had a great time // {BN}, {BN}, {BN}: I had a rotten time
"""

# How many reviews of each shape there are for each label, 500 in all.
SHAPES = {
    "{plain}.": 60,
    "{context}. {plain}.": 75,
    "{plain}. {verdict}.": 35,
    "{plain}. {mood} {verdict}.": 35,
    "{context}. {plain}. {verdict}.": 25,
    "{verdict}. {plain}.": 40,
    "{mixed}.": 30,
    "{context}. {mixed}.": 26,
    "{mixed}. {mood} {verdict}.": 38,
    "{context}. {mixed}. {verdict}.": 24,
    "{mood} {verdict}.": 14,
    "{other}. Still, {verdict}.": 10,
    "{twist}.": 5,
    "{context}. {twist}.": 8,
    "{twist}. {plain}.": 34,
    "{irony}.": 7,
    "{irony}. {plain}.": 26,
    "{context}. {irony}.": 8,
}

# Words that name one side of a film; a review that comes back to the same side is thrown away.
TOPICS = """
ending last closing end | opening first early trailer trailers | score soundtrack songs sound |
dialogue lines banter writing | plot story premise mystery murder | romance love romcom wedding |
villain baddie | twist surprise surprises surprising | jokes gags laughs comedy laughing laughed |
lead leads star stars central heroine main | camerawork photography scenery locations | sets
interiors costumes wigs period | pacing brisk sluggish slow | director directors | cast actor
actress | chemistry spark friendship | message lesson | expect expected | mayor | grandmother
grandfather grandson sister brother flatmate dad mother partner neighbour boss colleague friend
schoolfriend aunt daughter wife husband cousin critic | heist western westerns courtroom ghost war
road spy musical musicals romcoms submarine costume space sports disaster monster political revenge
boxing prison horror vampire sci kids | remember memorable forgettable unforgettable
"""
# Words that may come twice.
COMMON = """
about again although always because before could didn't either every never nobody other really
since still their there these those through where which while without would
"""


def read_parts() -> dict[str, list[str]]:
    """Return slot name -> alternatives; slots with a verdict are named once per sign, `mixed+`."""
    parts: dict[str, list[str]] = {"G": [], "B": []}
    for entry in ASPECTS.replace("\n //", " //").strip().splitlines():
        subject, predicates = entry.split(": ")
        for slot, half in zip("GB", predicates.split(" // "), strict=True):
            parts[slot] += [f"{subject} {predicate}" for predicate in half.split(" | ")]
    for line in LISTS.strip().splitlines():
        if line.startswith("["):
            slot, line = line[1:].split("] ")
        parts.setdefault(slot, []).extend(line.split(" | "))
    for line in TWINS.replace("\n //", " //").strip().splitlines():
        if line.startswith("["):
            slot = line.strip("[]")
        else:
            for sign, half in zip(LABELS, line.split(" // "), strict=True):
                parts.setdefault(slot + sign, []).append(half)
    for sign, other in (("+", "B"), ("-", "G")):
        parts["other" + sign] = parts[other]
    return parts


def tidy(text: str) -> str:
    """Start sentences with capitals and choose between "a" and "an"."""
    text = re.sub(r"\b([Aa]) (?=[aeiou])(?!one|uni|use)", r"\1n ", text.replace("?.", "?"))
    return re.sub(r"(^|[.?!] )([a-z])", lambda match: match[1] + match[2].upper(), text)


def repeats_itself(text: str) -> bool:
    """Tell whether a telling word, or one side of the film, comes up twice."""
    words = re.findall(r"[a-z']+", text.lower())
    telling = [word for word in words if len(word) > 4 and word not in COMMON.split()]
    groups = [set(group.split()) for group in TOPICS.split("|")]
    return len(set(telling)) < len(telling) or any(
        sum(word in group for word in words) > 1 for group in groups
    )


class Composer:
    """Writes reviews, going round all alternatives of a slot before one comes again."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.parts = read_parts()
        self.decks: dict[str, list[str]] = {}
        self.written: set[str] = set()
        self.sentence_uses: Counter[str] = Counter()

    def draw(self, slot: str) -> str:
        """Return the next alternative of a slot."""
        if not self.decks.get(slot):
            alternatives = self.parts[slot]
            self.decks[slot] = self.rng.sample(alternatives, len(alternatives))
        return self.decks[slot].pop()

    def fill(self, template: str, sign: str) -> str:
        """Replace every slot in the template, and the slots in what replaces it."""

        def replace(match: re.Match[str]) -> str:
            slot = match[1] + sign if match[1] + sign in self.parts else match[1]
            return self.fill(self.draw(slot), sign)

        return re.sub(r"\{(\w+)\}", replace, template)

    def review(self, shape: str, sign: str) -> str:
        """Return a new review of the given shape that reads well."""
        while True:
            text = tidy(self.fill(shape, sign))
            sentences = re.split(r"(?<=[.?!]) ", text)
            if (
                text.lower() not in self.written
                and len(sentences) <= 3
                and 4 <= len(text.split()) <= 60
                and not repeats_itself(text)
                and all(self.sentence_uses[part] < MAX_SENTENCE_USES for part in sentences)
            ):
                self.written.add(text.lower())
                self.sentence_uses.update(sentences)
                return text


def main() -> None:
    """Write reviews.csv."""
    rng = random.Random(SEED)
    composer = Composer(rng)
    rows = [
        (composer.review(shape, sign), label)
        for sign, label in LABELS.items()
        for shape, count in SHAPES.items()
        for _ in range(count)
    ]
    rng.shuffle(rows)
    target = Path(__file__).with_name("reviews.csv")
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("text", "label"))
        writer.writerows(rows)
    print(f"wrote {len(rows)} reviews to {target}")


if __name__ == "__main__":
    main()
