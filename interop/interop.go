// Package interop drives the real binary against systems that we did not write: Kamailio as registrar and proxy, SIPp
// as the network side, baresip as a remote telephone, tshark and a strict linter as judges of the wire, sox,
// multimon-ng and minimodem as judges of the sound. Its tests carry the build tag "interop" (make interop) and run in
// private namespaces, two at a time, so that nothing leaves the machine, port numbers are free and every process ends
// with its test. A missing tool is a failure, never a skip. Every test's traffic is captured and judged.
package interop
