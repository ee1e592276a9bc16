// This one has another form.
package nodoc // want doc
