package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxWAV is the longest recording that is read: ten minutes.
const maxWAV = 600 * 8000

// ReadWAV reads a WAV file of 8 kHz, one channel, 16 bits signed. Chunks that
// it does not know are passed over. Other formats are an error that says which
// one it is and which would be right.
func ReadWAV(r io.Reader) ([]int16, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return nil, errors.New("wav: not a RIFF WAVE file")
	}
	known := false
	for {
		var chunk [8]byte
		if _, err := io.ReadFull(r, chunk[:]); err != nil {
			return nil, errors.New("wav: no data chunk")
		}
		size := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch string(chunk[:4]) {
		case "fmt ":
			if err := readFormat(r, size); err != nil {
				return nil, err
			}
			known = true
		case "data":
			if !known {
				return nil, errors.New("wav: data before the fmt chunk")
			}
			return readSamples(r, size)
		default:
			if _, err := io.CopyN(io.Discard, r, size+size&1); err != nil {
				return nil, fmt.Errorf("wav: chunk %q is cut off", chunk[:4])
			}
		}
	}
}

func readFormat(r io.Reader, size int64) error {
	if size < 16 || size > 1024 {
		return fmt.Errorf("wav: fmt chunk of %d bytes", size)
	}
	b := make([]byte, size+size&1)
	if _, err := io.ReadFull(r, b); err != nil {
		return errors.New("wav: fmt chunk is cut off")
	}
	le := binary.LittleEndian
	tag, channels, rate, bits := le.Uint16(b), le.Uint16(b[2:]), le.Uint32(b[4:]), le.Uint16(b[14:])
	if tag == 0xfffe && size >= 26 { // WAVE_FORMAT_EXTENSIBLE: the true tag begins the GUID
		tag = le.Uint16(b[24:])
	}
	if tag != 1 || channels != 1 || rate != 8000 || bits != 16 {
		kind := fmt.Sprintf("format %d", tag)
		switch tag {
		case 1:
			kind = "PCM"
		case 3:
			kind = "float"
		case 6:
			kind = "A-law"
		case 7:
			kind = "mu-law"
		}
		return fmt.Errorf("wav: the file is %s, %d Hz, %d channels, %d bits; it must be PCM, 8000 Hz, 1 channel, 16 bits", kind, rate, channels, bits)
	}
	return nil
}

// readSamples reads size bytes, or as many as there are: recorders that write
// into a pipe do not know the size when they begin.
func readSamples(r io.Reader, size int64) ([]int16, error) {
	b, err := io.ReadAll(io.LimitReader(r, min(size, 2*maxWAV+1)))
	if err != nil {
		return nil, fmt.Errorf("wav: %w", err)
	}
	if len(b) > 2*maxWAV {
		return nil, fmt.Errorf("wav: longer than %d s", maxWAV/8000)
	}
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm, nil
}

// WriteWAV writes samples as a WAV file of 8 kHz, one channel, 16 bits signed.
func WriteWAV(w io.Writer, pcm []int16) error {
	b := make([]byte, 44+2*len(pcm))
	le := binary.LittleEndian
	copy(b, "RIFF")
	le.PutUint32(b[4:], uint32(len(b)-8))
	copy(b[8:], "WAVEfmt ")
	le.PutUint32(b[16:], 16)
	le.PutUint16(b[20:], 1)
	le.PutUint16(b[22:], 1)
	le.PutUint32(b[24:], 8000)
	le.PutUint32(b[28:], 16000)
	le.PutUint16(b[32:], 2)
	le.PutUint16(b[34:], 16)
	copy(b[36:], "data")
	le.PutUint32(b[40:], uint32(2*len(pcm)))
	for i, s := range pcm {
		le.PutUint16(b[44+2*i:], uint16(s))
	}
	_, err := w.Write(b)
	return err
}
