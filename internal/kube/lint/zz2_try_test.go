package lint
import ("testing";"context";"fmt";"path/filepath";"os")
func TestTry2(t *testing.T){
 pat:=os.Getenv("TRY2"); if pat=="" {return}
 fs,_:=filepath.Glob(pat); n:=0
 for _,p:=range fs { r,err:=Run(context.Background(),Options{},Path(p)); if err!=nil {t.Fatal(err)}; n++
 for _,f:=range r.Findings { fmt.Printf("%s:%d %s %s %s (%s)\n",filepath.Base(f.File),f.Line,f.Severity,f.Code,f.Seen,f.Object) } }
 fmt.Println(n,"files")
}
