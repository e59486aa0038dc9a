package sim

import "math"

// fit is a window of samples measured as a sum of sines.
type fit struct {
	hz        []float64 // rising
	amp       []float64 // peak
	phase     []float64 // of the cosine at the window's first sample
	explained float64   // share of the window's energy, 0 to 1
}

// level is the power of the fit in dBm0.
func (f *fit) level() float64 {
	var sum float64
	for _, a := range f.amp {
		sum += a * a
	}
	return dBm0(sum / 2)
}

// dBm0 converts a mean square.
func dBm0(meanSquare float64) float64 {
	const full = 32767.0 * 32767 / 2
	return 10*math.Log10(max(meanSquare, 1e-3)/full) + fullScale
}

// evenness is the weakest line's amplitude divided by the strongest's.
func (f *fit) evenness() float64 {
	low, high := math.Inf(1), 1e-9
	for _, a := range f.amp {
		low, high = min(low, a), max(high, a)
	}
	return low / high
}

// project fits sines of given frequencies to x by least squares. The products
// with the samples are integers (one Goertzel's worth of work per line); the
// equations between lines that are near each other are closed sums.
func project(x []int16, hz []float64) fit {
	k, n := len(hz), len(x)
	var step [maxComponents]uint32
	var w [maxComponents]float64
	for i, f := range hz {
		step[i] = phaseStep(f)
		w[i] = 2 * math.Pi * float64(step[i]) / (1 << 32)
	}
	var m [2 * maxComponents][2*maxComponents + 1]float64
	for i := range k {
		var c, s int64
		phase := uint32(0)
		for _, v := range x {
			c += int64(int32(v) * sine(phase+1<<30))
			s += int64(int32(v) * sine(phase))
			phase += step[i]
		}
		m[2*i][2*k] = float64(c) / 32767
		m[2*i+1][2*k] = float64(s) / 32767
		for j := range k {
			dd, de := sums(w[i]-w[j], n)
			sd, se := sums(w[i]+w[j], n)
			m[2*i][2*j] = (dd + sd) / 2
			m[2*i+1][2*j+1] = (dd - sd) / 2
			m[2*i+1][2*j] = (se + de) / 2
			m[2*i][2*j+1] = (se - de) / 2
		}
	}
	var rhs [2 * maxComponents]float64
	for i := range 2 * k {
		rhs[i] = m[i][2*k]
	}
	a := solve(&m, 2*k)
	f := fit{hz: append([]float64(nil), hz...), amp: make([]float64, k), phase: make([]float64, k)}
	energy := 0.0
	for i := range k {
		f.amp[i] = math.Hypot(a[2*i], a[2*i+1])
		f.phase[i] = math.Atan2(-a[2*i+1], a[2*i])
		energy += a[2*i]*rhs[2*i] + a[2*i+1]*rhs[2*i+1]
	}
	if total := float64(sumSquares(x)); total > 0 {
		f.explained = min(max(energy/total, 0), 1)
	}
	return f
}

// sums are the sums of cos(w n) and sin(w n) over n samples.
func sums(w float64, n int) (c, s float64) {
	half := math.Sin(w / 2)
	if math.Abs(half) < 1e-9 {
		return float64(n), 0
	}
	r := math.Sin(float64(n)*w/2) / half
	sin, cos := math.Sincos(float64(n-1) * w / 2)
	return r * cos, r * sin
}

// solve is Gauss's elimination; the right side stands in column n. A singular
// row gives zero.
func solve(m *[2 * maxComponents][2*maxComponents + 1]float64, n int) (x [2 * maxComponents]float64) {
	for c := range n {
		p := c
		for r := c + 1; r < n; r++ {
			if math.Abs(m[r][c]) > math.Abs(m[p][c]) {
				p = r
			}
		}
		m[c], m[p] = m[p], m[c]
		if math.Abs(m[c][c]) < 1e-9 {
			m[c][c] = 0
			continue
		}
		for r := c + 1; r < n; r++ {
			q := m[r][c] / m[c][c]
			for j := c; j <= n; j++ {
				m[r][j] -= q * m[c][j]
			}
		}
	}
	for r := n - 1; r >= 0; r-- {
		if m[r][r] == 0 {
			continue
		}
		sum := m[r][n]
		for j := r + 1; j < n; j++ {
			sum -= m[r][j] * x[j]
		}
		x[r] = sum / m[r][r]
	}
	return x
}

// offsets measures by how many Hz the lines of x are beside hz, from how far
// their phases turn between the halves of the window.
func offsets(x []int16, hz []float64) []float64 {
	h := len(x) / 2
	a, b := project(x[:h], hz), project(x[h:2*h], hz)
	off := make([]float64, len(hz))
	for i, f := range hz {
		turn := (b.phase[i]-a.phase[i])/(2*math.Pi) - f*float64(h)/8000
		turn -= math.Round(turn)
		off[i] = turn * 8000 / float64(h)
	}
	return off
}

// at is the fit's value n samples after its window's first.
func (f *fit) at(n int64) float64 {
	var v float64
	for i, hz := range f.hz {
		turns := hz / 8000 * float64(n)
		v += f.amp[i] * math.Cos(2*math.Pi*(turns-math.Floor(turns))+f.phase[i])
	}
	return v
}

func sumSquares(x []int16) int64 {
	var sum int64
	for _, v := range x {
		sum += int64(int32(v) * int32(v))
	}
	return sum
}
