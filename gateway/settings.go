package gateway

import (
	"fmt"
	"reflect"

	"tipring/config"
	"tipring/fxs"
)

// settings is all that a port needs to know of the configuration, checked and compiled.
type settings struct {
	card    int
	port    config.Port
	plan    *countryPlan
	digits  *fxs.DigitMap // compiled from port.DigitMap
	media   config.Media
	timers  config.Timers
	service *service
}

// same tells whether b asks for nothing that a does not have. The compiled digit map follows from its text.
func (a *settings) same(b *settings) bool {
	return a.card == b.card && a.port == b.port && a.plan == b.plan && a.timers == b.timers && a.service == b.service &&
		reflect.DeepEqual(a.media, b.media)
}

func digitMap(pc config.Port) (*fxs.DigitMap, error) {
	if pc.DigitMap == "" {
		return nil, nil
	}
	m, err := fxs.ParseDigitMap(pc.DigitMap)
	if err != nil {
		return nil, fmt.Errorf("digit_map: %w", err)
	}
	return m, nil
}
