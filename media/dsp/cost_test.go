package dsp

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// work is every function that runs for each frame, on signals that make it work.
func work(tb testing.TB) []struct {
	name string
	run  func(frame []int16)
} {
	must := func(p *Plan, err error) *ToneGen {
		if err != nil {
			tb.Fatal(err)
		}
		g := new(ToneGen)
		g.Start(p)
		return g
	}
	var code [FrameSamples]byte
	one := must(ParseTone("425", LevelTone))
	two := must(ParseTone("350+440/500,0/20", LevelTone))
	am := must(ParseTone("400*25", LevelTone))
	howler := must(Howler(""))
	keys := NewDTMFGen(LevelDTMFLow, LevelDTMFHigh)
	burst := CallerIDBurst(Bell202, CallID{Number: "1003", Name: "Wang Wei"}, WithAlert)
	var player BurstPlayer
	digits, speech := make([]int16, 8000), vowel(1000).pcm()
	full := NewDTMFGen(LevelDTMFLow, LevelDTMFHigh)
	if err := full.Dial("1234567890", 50*time.Millisecond, 50*time.Millisecond); err != nil {
		tb.Fatal(err)
	}
	full.Fill(digits)
	at := 0
	next := func(pcm []int16) []int16 {
		if at += FrameSamples; at+FrameSamples > len(pcm) {
			at = 0
		}
		return pcm[at : at+FrameSamples]
	}
	var onSpeech, onDigits, onSilence DTMFDetector
	var plc, lossy PLC
	var meter Meter
	lost := 0
	gain := NewGain(-3)
	quiet := make([]int16, FrameSamples)
	return []struct {
		name string
		run  func(frame []int16)
	}{
		{"EncodeALaw", func(f []int16) { EncodeALaw(code[:], next(speech)) }},
		{"EncodeULaw", func(f []int16) { EncodeULaw(code[:], next(speech)) }},
		{"DecodeALaw", func(f []int16) { DecodeALaw(f, code[:]) }},
		{"DecodeULaw", func(f []int16) { DecodeULaw(f, code[:]) }},
		{"ToneGen 425", func(f []int16) { one.Fill(f) }},
		{"ToneGen 350+440", func(f []int16) { two.Fill(f) }},
		{"ToneGen 400*25", func(f []int16) { am.Fill(f) }},
		{"ToneGen howler", func(f []int16) { howler.Fill(f) }},
		{"ToneGen stopped", func(f []int16) { new(ToneGen).Fill(f) }},
		{"DTMFGen", func(f []int16) {
			if !keys.Fill(f) {
				keys.Press('5')
				keys.Release()
			}
		}},
		{"DTMFDetector speech", func(f []int16) { onSpeech.Process(next(speech)) }},
		{"DTMFDetector digits", func(f []int16) { onDigits.Process(next(digits)) }},
		{"DTMFDetector silence", func(f []int16) { onSilence.Process(quiet) }},
		{"BurstPlayer", func(f []int16) {
			if !player.Fill(f) {
				player.Start(burst)
			}
		}},
		{"PLC good", func(f []int16) { plc.Good(next(speech)) }},
		{"PLC one frame in two lost", func(f []int16) {
			copy(f, next(speech))
			if lost++; lost&1 == 1 {
				lossy.Conceal(f)
			} else {
				lossy.Good(f)
			}
		}},
		{"Mix", func(f []int16) { Mix(f, next(speech)) }},
		{"Gain", func(f []int16) { gain.Apply(f) }},
		{"Meter", func(f []int16) { meter.Add(f); meter.Level() }},
	}
}

func TestNothingAllocates(t *testing.T) {
	frame := make([]int16, FrameSamples)
	for _, w := range work(t) {
		if n := testing.AllocsPerRun(500, func() { w.run(frame) }); n != 0 {
			t.Errorf("%s allocates %v times a frame", w.name, n)
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	frame := make([]int16, FrameSamples)
	for _, w := range work(b) {
		b.Run(strings.ReplaceAll(w.name, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.run(frame)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/FrameSamples, "ns/sample")
		})
	}
}

// constructors are the functions that may use floating point: they make tables and plans, before any sample flows.
var constructors = map[string]bool{
	"Amplitude": true, "Level.Amplitude": true, "NewGain": true, "Plan.Ramp": true,
	"makeSine": true, "makeRamp": true, "makeBin": true, "log2Table": true, "dtmfTables": true,
}

// A router without a floating-point unit takes a hundred times as long for a float. So no value of a floating-point type
// may be computed outside of the constructors; constants are folded by the compiler and do not count. The same can be
// seen in the object code: GOARCH=mipsle GOMIPS=softfloat go build -gcflags=-S ./media/dsp must show no call of
// runtime.fadd32 and its kin in any other function.
func TestNoFloatsOutsideConstructors(t *testing.T) {
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	// Imported packages are left empty, which is quick; so any use of math counts as a float.
	conf := types.Config{Importer: noImports{}, Error: func(error) {}}
	conf.Check("dsp", fset, files, info)
	found := map[string]bool{}
	for _, f := range files {
		for _, decl := range f.Decls {
			name := "package level"
			if fn, ok := decl.(*ast.FuncDecl); ok {
				name = funcName(fn)
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				e, ok := n.(ast.Expr)
				if !ok {
					return true
				}
				tv := info.Types[e]
				float := tv.Value == nil && tv.IsValue() && isFloat(tv.Type)
				if id, ok := e.(*ast.Ident); !float && !(ok && id.Name == "math") {
					return true
				}
				found[name] = true
				if !constructors[name] {
					t.Errorf("%v: %s computes with floats", fset.Position(n.Pos()), name)
				}
				return true
			})
		}
	}
	for name := range constructors {
		if !found[name] {
			t.Errorf("%s is said to be a constructor with floats, but has none", name)
		}
	}
}

type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
	p.MarkComplete()
	return p, nil
}

func isFloat(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&(types.IsFloat|types.IsComplex) != 0
}

func funcName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	r := fn.Recv.List[0].Type
	if p, ok := r.(*ast.StarExpr); ok {
		r = p.X
	}
	return r.(*ast.Ident).Name + "." + fn.Name.Name
}
