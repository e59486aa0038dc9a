// Package interop drives the real binary against systems that we did not write: Kamailio as registrar and proxy, SIPp
// as the network side, baresip as a remote telephone, tshark and a strict linter as judges of the wire, sox as judge
// of the sound. Its tests carry the build tag "interop" (make interop) and run in a private network namespace, so that
// nothing leaves the machine and port numbers are free. A missing tool is a failure, never a skip.
package interop
