package sipua

// Agent is one telephone's identity on an endpoint. Its methods post to the endpoint's loop and never block.
type Agent struct{}

// Register keeps the binding from now on; immediate skips the start jitter. It also refreshes a binding that lives, and
// cuts a back-off short.
func (a *Agent) Register(immediate bool) {}

// Unregister removes our own Contact, and no other.
func (a *Agent) Unregister() {}

// SetAccount changes the identity or its proof; a wanted registration starts over with it.
func (a *Agent) SetAccount(acc Account) {}

// Invite calls a number of our domain, or a SIP URI, with an offer. It returns at once; progress comes as Events.
func (a *Agent) Invite(number string, offer []byte) *Call { return &Call{} }

// Close releases the agent's calls, removes its binding and takes it off the endpoint.
func (a *Agent) Close() {}
