package gateway

import "tipring/fxs"

// toneFor tells the caller by ear why a call ended, as fxs tables of the trade do: busy for a person who does not
// take the call, number unobtainable for a number that does not exist, congestion for everything the network did.
// code is the SIP final response, 0 for a BYE.
func toneFor(code int) fxs.Tone {
	switch code {
	case 0, 200, 486, 600, 603: // RFC 3261 21.4.24, 21.6.1, 21.6.2
		return fxs.ToneBusy
	case 403, 404, 410, 484, 485, 604: // RFC 3261 21.4.4, 21.4.5, 21.4.11, 21.4.22, 21.6.3
		return fxs.ToneUnobtainable
	}
	return fxs.ToneCongestion
}
