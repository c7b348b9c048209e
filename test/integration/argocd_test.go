// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// argoPatch is what a reader adds to the ConfigMap argocd-cm of Argo CD.
const argoPatch = "config/argocd/argocd-cm.yaml"

// argo is an Argo CD that looks at a world, with its settings after the patch, by key.
type argo struct {
	world    *world
	settings map[string]string
}

// newArgo patches an empty ConfigMap as the documentation says.
func newArgo(ctx SpecContext, w *world) argo {
	GinkgoHelper()
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "argocd-cm"}}
	w.create(ctx, settings)
	kubectl(ctx, "patch", "configmap", "argocd-cm", "-n", w.namespace, "--type=merge", "--patch-file="+filepath.Join(repository, argoPatch))
	return argo{w, get(ctx, w, "argocd-cm", settings).Data}
}

// health returns the health and the message that Argo CD shows. It asks the script unless the object is being deleted.
func (a argo) health(object *unstructured.Unstructured) (health, message string) {
	GinkgoHelper()
	if object.GetDeletionTimestamp() != nil {
		return "Progressing", "Pending deletion"
	}
	script := a.settings["resource.customizations.health."+object.GroupVersionKind().Group+"_"+object.GetKind()]
	Expect(script).NotTo(BeEmpty())
	result, ok := run(script, object).(map[string]any)
	Expect(ok).To(BeTrue())
	Expect(result["status"]).To(BeElementOf("Healthy", "Progressing", "Degraded", "Suspended"))
	return result["status"].(string), result["message"].(string)
}

// argoActions are the actions on a kind, as they are in the settings.
type argoActions struct {
	Discovery   string `json:"discovery.lua"`
	Definitions []struct {
		Name   string `json:"name"`
		Action string `json:"action.lua"`
	} `json:"definitions"`
}

func (a argo) actions() argoActions {
	GinkgoHelper()
	var actions argoActions
	Expect(yaml.UnmarshalStrict([]byte(a.settings["resource.customizations.actions.accesskey.dev_AccessKey"]), &actions)).To(Succeed())
	return actions
}

// enabled returns for each action that Argo CD offers whether a user can start it.
func (a argo) enabled(object *unstructured.Unstructured) map[string]bool {
	GinkgoHelper()
	discovered, ok := run(a.actions().Discovery, object).(map[string]any)
	Expect(ok).To(BeTrue())
	enabled := map[string]bool{}
	for name, action := range discovered {
		enabled[name] = action.(map[string]any)["disabled"] != true
	}
	return enabled
}

// act returns what an action makes of an object.
func (a argo) act(name string, object *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	for _, definition := range a.actions().Definitions {
		if definition.Name == name {
			result, ok := run(definition.Action, object).(map[string]any)
			Expect(ok).To(BeTrue())
			return &unstructured.Unstructured{Object: keepEmpty(result, object.Object).(map[string]any)}
		}
	}
	Fail("no action " + name)
	return nil
}

// run runs a script with the object as obj, in a machine that has only what Argo CD's has.
func run(script string, object *unstructured.Unstructured) any {
	GinkgoHelper()
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	state.PreloadModule(lua.OsLibName, timeOnly)
	state.SetGlobal("obj", toLua(state, object.Object))
	Expect(state.DoString(script)).To(Succeed())
	return fromLua(state.Get(-1))
}

// timeOnly loads the two functions of Lua's os that Argo CD offers.
func timeOnly(state *lua.LState) int {
	lua.OpenOs(state)
	all := state.CheckTable(-1)
	offered := state.NewTable()
	for _, name := range []string{"date", "time"} {
		offered.RawSetString(name, all.RawGetString(name))
	}
	state.SetGlobal(lua.OsLibName, lua.LNil)
	state.Push(offered)
	return 1
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	default:
		return lua.LNil
	}
}

func fromLua(value lua.LValue) any {
	switch value := value.(type) {
	case *lua.LTable:
		if length := value.MaxN(); length > 0 {
			list := make([]any, 0, length)
			for i := range length {
				list = append(list, fromLua(value.RawGetInt(i+1)))
			}
			return list
		}
		object := map[string]any{}
		value.ForEach(func(key, item lua.LValue) { object[key.String()] = fromLua(item) })
		return object
	case lua.LString:
		return string(value)
	case lua.LBool:
		return bool(value)
	case lua.LNumber:
		return int64(value) // an AccessKey has no other numbers
	default:
		return nil
	}
}

// keepEmpty gives back to an empty table the type that it had before: Lua has one type for lists and objects. Argo CD does the same.
func keepEmpty(after, before any) any {
	object, isObject := after.(map[string]any)
	was, wasObject := before.(map[string]any)
	switch {
	case isObject && len(object) == 0 && before != nil:
		return before
	case isObject && wasObject:
		for key := range object {
			object[key] = keepEmpty(object[key], was[key])
		}
	}
	return after
}
