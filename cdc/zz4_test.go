package cdc
import ("testing";"os";"github.com/apache/arrow-go/v18/arrow/array";"github.com/apache/arrow-go/v18/arrow/memory")
func TestZZArr(t *testing.T) {
	if os.Getenv("CPU")=="" { t.Skip() }
	for r:=0;r<3;r++ {
	b:=array.NewInt64Builder(memory.DefaultAllocator)
	c:=cpu(); for i:=range 60000 { b.Append(int64(i)) }; e:=cpu()-c
	b2:=array.NewInt64Builder(memory.DefaultAllocator); b2.Reserve(65536)
	c=cpu(); for i:=range 60000 { b2.Append(int64(i)) }; e2:=cpu()-c
	c=cpu(); x:=make([]int64,0,32); for i:=range 60000 { x=append(x,int64(i)) }; e3:=cpu()-c
	s:=array.NewStringBuilder(memory.DefaultAllocator)
	v:=[]byte("0123456789012345678901234567890123456789")
	c=cpu(); for range 60000 { s.BinaryBuilder.Append(v) }; e4:=cpu()-c
	t.Log(e/60000,e2/60000,e3/60000,e4/60000, len(x))
	}
}
