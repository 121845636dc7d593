"""How `tocsin law show` names the fields of a law and says its words: tables only, for law_text."""

from __future__ import annotations

from models.values import Confidence
from regimes import schema as s

LABELS: dict[tuple[type | None, str], str] = {  # of a class, or of any
    (None, "transition"): "Which version",
    (None, "applies"): "Applies if",
    (None, "exceptions"): "Nothing owed if",
    (None, "personal_information"): "Exposed must be",
    (None, "when"): "If",
    (None, "deadlines"): "By when",
    (None, "qualifier"): "In its words",
    (None, "roles"): "Binds",
    (None, "reach"): "Whose people",
    (None, "per"): "One per",
    (None, "met_when"): "Met by",
    (None, "tolled"): "Police delay",
    (None, "authorities"): "Authority",
    (None, "law_enforcement"): "Police delay",
    (None, "elements"): "Must contain",
    (None, "prohibited"): "Must not say",
    (None, "form"): "Form",
    (None, "channels"): "Ways",
    (None, "monitoring"): "Must offer",
    (None, "credentials_not_to_same_mailbox"): "Credentials",
    (None, "next_of_kin"): "Next of kin",
    (None, "none_prescribed"): "Content",
    (None, "because"): "Why",
    (None, "items"): "Must contain",
    (None, "omits"): "Left out",
    (None, "days"): "Days to stay up",
    (None, "toll_free_days"): "Toll-free days",
    (None, "resume_days"): "Resume days",
    (s.Report, "authorities"): "For",
    (s.SubstituteTier, "not_for"): "Not for",
    (s.SubstituteTier, "mode"): "Means needed",
}

YES: dict[str, str] = {  # what a flag that is set means
    "tolled": "a delay asked for by law enforcement stops it",
    "voluntary": "yes: recommended, not owed",
    "despite_exceptions": "yes: owed because an exception is used",
    "credentials_not_to_same_mailbox": "not by email to the mailbox whose password was exposed",
    "next_of_kin": "of people who have died are told",
    "none_prescribed": "the text was read: it prescribes no content",
    "beside": "yes: beside individual notice, not instead",
}

WAYS: dict[s.ChannelWhen, str] = {
    s.ChannelWhen.ALWAYS: "to everyone",
    s.ChannelWhen.CONSENT_EMAIL: "to people who agreed to electronic notice",
    s.ChannelWhen.PRIMARY_MEANS: "to people who agreed, or whom the organisation usually reaches so",
    s.ChannelWhen.URGENT: "beside the other ways when misuse is imminent",
    s.ChannelWhen.NEVER: "to nobody",
}

PHRASES: dict[str, str] = {  # how the other fields of such a line are said
    "citation": "({})",
    "note": "{}",
    "because": "{}",
    "qualifier": "{}",
    "confidence": "{}",
    "exposed": "for people who lost {}",
    "when": "if {}",
    "together_with": "together with {}",
    "else_from": "from {} when that is not stated",
    "safe_from": "the safe time from {}",
    "counting": "counted by {}",
    "slug": "[{}]",
    "filing": "filed by: {}",
    "place": "in {}",
    "live": "spoken by a person, no recording",
}

BACKING = {
    Confidence.CORPUS: "a source was read",
    Confidence.MEMORY: "NOT CHECKED, no source was read",
    Confidence.CONFLICT: "SOURCES DISAGREE, the notes say how",
}

MODES: dict[str, str] = {"all": "all of them together", "any": "any one of them", "any_2": "any two of them"}

COMBINED: dict[str, str] = {"capped": "the first, limited by the second unless its clock starts only after that limit:"}

PER: dict[str, str] = {
    s.Per.INSTRUMENT: "",
    s.Per.PLACE: "place of this law where people live",
    s.Per.SUPERVISOR: "supervisor: the lead authority, or one in each Member State without an EU establishment",
}

REACH: dict[str, str] = {
    s.Reach.EVERYONE: "of everyone, wherever they live",
    s.Reach.RESIDENTS: "of those who live in the place",
    s.Reach.ESTABLISHED: "of everyone if established there, else of those who live there",
}

MET: dict[str, str] = {
    s.MetWhen.DISPATCH: "the notice to the last person having left, or the lawful public notice",
    s.MetWhen.RECEIPT: "the receipt of the filing",
    s.MetWhen.POSTING: "the posting",
}

ANY_DATA = "not modelled here: any personal data counts"

NO_CONTENT = "its content is not modelled here (`tocsin law check` counts it as open)"
