package api

import (
	"context"
	"log/slog"
	"net"
	"net/http"
)

// peer is the process at the other end of a connection.
type peer struct {
	known    bool
	uid, gid uint32
	pid      int32
}

type peerKey struct{}

func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, peerOf(c))
}

// LogValue implements slog.LogValuer.
func (p peer) LogValue() slog.Value {
	if !p.known {
		return slog.StringValue("unknown")
	}
	return slog.GroupValue(slog.Uint64("uid", uint64(p.uid)), slog.Uint64("gid", uint64(p.gid)), slog.Int("pid", int(p.pid)))
}

// audit logs one line for every request that wants to change something, also
// for the refused ones: who, what, and what came of it.
func audit(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reads(r.Method) {
			next.ServeHTTP(w, r)
			return
		}
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(s, r)
		p, _ := r.Context().Value(peerKey{}).(peer)
		log.LogAttrs(r.Context(), slog.LevelInfo, "change asked for", slog.String("method", r.Method),
			slog.String("path", r.URL.Path), slog.Int("status", s.status), slog.Any("peer", p))
	})
}

func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// statusWriter remembers the status for the audit log.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (s *statusWriter) WriteHeader(code int) {
	s.status = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
