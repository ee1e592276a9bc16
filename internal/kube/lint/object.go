package lint

import (
	"path"
	"strings"
)

// Object is one thing that findings are about: a Kubernetes object, a compose
// service, or a whole file where files hold no objects.
type Object struct {
	file       *File
	root       Value
	APIVersion string
	Kind       string
	Namespace  string
	Name       string
}

// String names the object the way kubectl does: Deployment tools/weather.
func (o *Object) String() string {
	if o == nil {
		return ""
	}
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return strings.TrimSpace(o.Kind + " " + name)
}

// group is the API group: "apps" of apps/v1, "" of v1.
func (o *Object) group() string {
	group, _, found := strings.Cut(o.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

func newObject(f *File, root Value) *Object {
	o := &Object{
		file:       f,
		APIVersion: root.Get("apiVersion").Str(),
		Kind:       root.Get("kind").Str(),
		Namespace:  root.Get("metadata", "namespace").Str(),
		Name:       root.Get("metadata", "name").Str(),
	}
	if o.Name == "" {
		o.Name = root.Get("metadata", "generateName").Str()
	}
	root.obj = o
	o.root = root
	return o
}

// fileObject is the pseudo-object of a file that holds no objects.
func fileObject(f *File) *Object {
	if len(f.objects) == 0 {
		o := &Object{file: f, Kind: string(f.Kind), Name: path.Base(f.Path)}
		f.objects = append(f.objects, o)
	}
	return f.objects[0]
}

// annotation reads holdfast.dev/<name> from the object, then from its pod
// template.
func (o *Object) annotation(name string) Value {
	key := "holdfast.dev/" + name
	for _, meta := range [][]string{{"metadata"}, {"spec", "template", "metadata"}} {
		for _, field := range []string{"annotations", "labels"} {
			if v := o.root.Get(append(meta, field, key)...); v.OK() {
				return v
			}
		}
	}
	return Value{obj: o}
}

// ref names an object within the index.
type ref struct{ kind, namespace, name string }

func (o *Object) ref() ref { return ref{o.Kind, o.Namespace, o.Name} }

// sameNamespace treats an unset namespace as one that the reader chooses when
// applying, so it may be any.
func sameNamespace(a, b string) bool { return a == b || a == "" || b == "" }
