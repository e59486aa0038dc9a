package sipua

// Call is one call of an agent. Its methods post to the endpoint's loop and never block.
type Call struct{}

// ID is the Call-ID.
func (c *Call) ID() string { return "" }

// Ring tells the caller that the telephone rings: 180, or 183 with an early answer.
func (c *Call) Ring(sdp []byte) {}

// Answer accepts an incoming call or a Reoffered session with our description.
func (c *Call) Answer(sdp []byte) {}

// Reject refuses an incoming call or a Reoffered session with a final code.
func (c *Call) Reject(code int, reason string) {}

// Hangup ends the call as its state needs: CANCEL, BYE or 603. Ended follows.
func (c *Call) Hangup() {}

// Reoffer asks the peer for another session: a re-INVITE. Established or ReofferFailed follows.
func (c *Call) Reoffer(sdp []byte) {}
