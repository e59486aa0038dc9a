package cli

// need says what a command asks of the daemon.
type need uint8

const (
	onTheWay need = iota // not a command: a word on the way to one
	nothing              // works without a daemon
	reading              // either socket will do; may be watched
	changing             // the full socket
)

// command is one row of the grammar.
type command struct {
	words string // literals and <arguments>, from the first word on
	help  string // of the last word
	do    string // key of actions; empty for words on the way
	needs need
}

// grammar is the one place where the commands are written down, in the order in
// which help shows them. Parsing, `?`, completion and the check of the manual
// are made from it. Arguments are described in arguments.go.
var grammar = []command{
	{"show", "display state", "", onTheWay},
	{"show port", "telephone ports", "", onTheWay},
	{"show port status", "all ports, one row each", "port-status", reading},
	{"show port <ports>", "all that is known about a port", "port-detail", reading},
	{"show port <ports> status", "the row of a port or a range", "port-status", reading},
	{"show card", "the card: board, country, ports, servers", "card", reading},
	{"show card <card>", "the card of this number", "card", reading},
	{"show card <card> port", "its ports", "", onTheWay},
	{"show card <card> port status", "all its ports, one row each", "port-status", reading},
	{"show card <card> port <ports>", "all that is known about a port", "port-detail", reading},
	{"show card <card> port <ports> status", "the row of a port or a range", "port-status", reading},
	{"show registration", "registrations and why they are as they are", "registration", reading},
	{"show registration <ports>", "of a port or a range", "registration", reading},
	{"show call", "calls", "", onTheWay},
	{"show call active", "calls that are up or coming up", "call-active", reading},
	{"show call history", "ended calls, newest first", "call-history", reading},
	{"show call history <count>", "this many of them", "call-history", reading},
	{"show line", "the analogue side: hook, feed, tone", "line", reading},
	{"show line <ports>", "of a port or a range", "line", reading},
	{"show config", "configuration", "", onTheWay},
	{"show config running", "what the daemon runs with, secrets masked", "config-running", reading},
	{"show version", "version of the daemon", "version", reading},

	{"port", "change a port", "", onTheWay},
	{"port <port>", "this port", "", onTheWay},
	{"port <port> enable", "activate it: it registers at once", "enable", changing},
	{"port <port> disable", "deactivate it: its binding is removed", "disable", changing},
	{"register", "register now", "", onTheWay},
	{"register all", "every enabled port", "register", changing},
	{"register <ports>", "a port or a range", "register", changing},
	{"reload", "read the configuration again and apply it", "reload", changing},

	{"phone", "telephones of the simulated board", "", onTheWay},
	{"phone <port>", "the telephone on this port", "", onTheWay},
	{"phone <port> lift", "lift the handset", "phone", changing},
	{"phone <port> hangup", "put it back", "phone", changing},
	{"phone <port> flash", "press the hook for a moment", "phone", changing},
	{"phone <port> flash <ms>", "for this long", "phone", changing},
	{"phone <port> dial", "dial in tones", "", onTheWay},
	{"phone <port> dial <digits>", "these digits", "phone", changing},
	{"phone <port> pulse", "dial by pulses", "", onTheWay},
	{"phone <port> pulse <digits>", "these digits", "phone", changing},
	{"phone <port> say", "speak a WAV file (8 kHz, mono, 16 bit)", "", onTheWay},
	{"phone <port> say <file>", "this file", "phone", changing},
	{"phone <port> tone", "send a tone into the mouthpiece", "", onTheWay},
	{"phone <port> tone <hz>", "of this frequency", "phone", changing},
	{"phone <port> tone <hz> <ms>", "for this long", "phone", changing},
	{"phone <port> record", "record what the ear hears", "", onTheWay},
	{"phone <port> record <file>", "into this WAV file", "", onTheWay},
	{"phone <port> record <file> <seconds>", "for this long", "phone", changing},
	{"phone <port> hears", "what the ear hears now", "phone", changing},
	{"phone <port> wait", "wait until the ear hears something; 1 when the time is over", "", onTheWay},
	{"phone <port> wait <what>", "for 10 seconds", "phone", changing},
	{"phone <port> wait <what> <seconds>", "for this long", "phone", changing},
	{"phone <port> wait tone", "a steady tone", "phone", changing},
	{"phone <port> wait tone <hz>", "of this frequency, for 10 seconds", "phone", changing},
	{"phone <port> wait tone <hz> <seconds>", "for this long", "phone", changing},
	{"phone <port> display", "the caller that the display shows", "phone", changing},

	{"help", "list the commands; ? helps at any place", "help", nothing},
	{"exit", "leave the console", "exit", nothing},
	{"quit", "leave the console", "exit", nothing},
}
