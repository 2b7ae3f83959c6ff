"""The codes of diagnostics: stable names for what can be wrong, explained at length in docs/errors.md."""

from __future__ import annotations

# Files and YAML
UNREADABLE_FILE = "TM001"
NOT_UTF8 = "TM002"
YAML_SYNTAX = "TM003"
DUPLICATE_KEY = "TM004"
UNSUPPORTED_YAML = "TM005"
MISSING_FOLDER = "TM006"
MISSING_OVERLAY = "TM007"
# Documents
MISSING_KIND = "TM010"
UNKNOWN_KIND = "TM011"
KIND_NOT_READ = "TM012"
BAD_NAME = "TM013"
DUPLICATE_DOCUMENT = "TM014"
SECOND_SERVICE = "TM015"
# Fields
UNKNOWN_KEY = "TM020"
MISSING_FIELD = "TM021"
WRONG_TYPE = "TM022"
BAD_VALUE = "TM023"
BAD_PHONE_NUMBER = "TM024"
BAD_URL = "TM025"
INCOMPLETE = "TM026"
# References
MISSING_REFERENCE = "TM030"
BAD_REFERENCE = "TM031"
# Across files
UNKNOWN_NAME = "TM040"
NUMBER_TAKEN = "TM041"
AMBIGUOUS_ACCOUNT = "TM042"
MISSING_SERVICE = "TM043"
MISSING_ACCOUNT = "TM044"
PRIVATE_TOOL_HOST = "TM045"
# Media
MISSING_MEDIA = "TM050"
BAD_MEDIA = "TM051"
LONG_MEDIA = "TM052"
# Lists of leads
MISSING_LEADS = "TM060"
BAD_LEADS = "TM061"
# Warnings
NOT_ACTED_ON = "TM090"
MODEL_ENDS = "TM091"
NOT_LISTED = "TM092"
OTHER_LANGUAGE = "TM093"

MEANINGS = {
    UNREADABLE_FILE: "The file cannot be read.",
    NOT_UTF8: "The file is not UTF-8 text.",
    YAML_SYNTAX: "The file is not valid YAML.",
    DUPLICATE_KEY: "A key stands twice in one mapping.",
    UNSUPPORTED_YAML: "YAML that declarations do not use.",
    MISSING_FOLDER: "The folder with the declarations does not exist.",
    MISSING_OVERLAY: "There is no such environment.",
    MISSING_KIND: "A document does not say what it declares.",
    UNKNOWN_KIND: "There is no such kind.",
    KIND_NOT_READ: "This version does not read the kind yet.",
    BAD_NAME: "A name is missing or malformed.",
    DUPLICATE_DOCUMENT: "Two documents have the same kind and name.",
    SECOND_SERVICE: "There is more than one Service.",
    UNKNOWN_KEY: "The kind has no such field.",
    MISSING_FIELD: "A required field is missing.",
    WRONG_TYPE: "A value has the wrong type.",
    BAD_VALUE: "A value is not among those that are allowed.",
    BAD_PHONE_NUMBER: "A phone number is malformed.",
    BAD_URL: "A URL is malformed or not allowed here.",
    INCOMPLETE: "A field needs another one.",
    MISSING_REFERENCE: "A reference points to nothing.",
    BAD_REFERENCE: "A reference is malformed.",
    UNKNOWN_NAME: "A name that is referred to is not declared.",
    NUMBER_TAKEN: "A phone number, sender or Messaging Service belongs to more than one agent.",
    AMBIGUOUS_ACCOUNT: "An agent must say which account it uses.",
    MISSING_SERVICE: "There is no Service and no TM_PUBLIC_URL.",
    MISSING_ACCOUNT: "There is no Account and no credentials in the environment.",
    PRIVATE_TOOL_HOST: "A tool calls a private host that was not allowed.",
    MISSING_MEDIA: "A media file does not exist.",
    BAD_MEDIA: "A media file does not have the declared form.",
    LONG_MEDIA: "A media file is longer than anybody waits.",
    MISSING_LEADS: "A list of people to call is not there.",
    BAD_LEADS: "A list of people to call does not have the form that its campaign needs.",
    NOT_ACTED_ON: "Declared, but this version does not act on it.",
    MODEL_ENDS: "The model is going to be shut down.",
    NOT_LISTED: "Twilio had no such voice, recogniser or language.",
    OTHER_LANGUAGE: "The voice speaks another language than the agent.",
}
