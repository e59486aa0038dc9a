package gateway

import (
	"net/netip"
	"time"

	"tipring/media"
	"tipring/sipua"
)

// event is what reaches a port's inbox: a closed set.
type event interface{ portEvent() }

type (
	// configure replaces the settings of the port.
	configure struct{ set settings }
	// serviceUp: the endpoint of the port's service is open.
	serviceUp struct {
		service  *service
		endpoint *sipua.Endpoint
		local    netip.Addr
	}
	// serviceDown: it is not, or not any more.
	serviceDown struct {
		service *service
		why     string
		retry   time.Time
	}
	// registerNow: a person wants the port to register, whatever the back-off says.
	registerNow struct{}
	// fromSIP carries what the agent reports; events of a replaced agent are told apart by it.
	fromSIP struct {
		agent *sipua.Agent
		event sipua.Event
	}
	// fromVoice carries what the pump reports.
	fromVoice struct{ event media.Event }
	// voiceEnded: the pump's goroutine is gone, err tells why if it was not told to go.
	voiceEnded struct{ err error }
)

func (configure) portEvent()   {}
func (serviceUp) portEvent()   {}
func (serviceDown) portEvent() {}
func (registerNow) portEvent() {}
func (fromSIP) portEvent()     {}
func (fromVoice) portEvent()   {}
func (voiceEnded) portEvent()  {}
