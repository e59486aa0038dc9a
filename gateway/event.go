package gateway

import (
	"tipring/media"
	"tipring/sipua"
)

// event is what reaches a port's inbox: a closed set.
type event interface{ portEvent() }

type (
	// look: the settings or the state of the service are not what they were. Both are levels that every step compares,
	// so that one lost for a full inbox does no harm.
	look struct{}
	// registerNow: a person wants the port to register, whatever the back-off says.
	registerNow struct{}
	// fromSIP carries what an agent reports; events of a replaced agent are told apart by its number.
	fromSIP struct {
		agent int
		event sipua.Event
	}
	// fromVoice carries what the pump reports.
	fromVoice struct{ event media.Event }
	// voiceEnded: the codec's goroutine is gone, err tells why if it was not told to go.
	voiceEnded struct{ err error }
)

func (look) portEvent()        {}
func (registerNow) portEvent() {}
func (fromSIP) portEvent()     {}
func (fromVoice) portEvent()   {}
func (voiceEnded) portEvent()  {}
